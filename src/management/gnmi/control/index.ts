export { type ControlOrigin, type ControlParts, controlGet, controlSet, isControlGet, isControlSet } from "./calls.ts";
export { ControlStream, isControlSubscription } from "./stream.ts";
