export { checkGnmiCertificate, type GnmiOptions, type GnmiStartParts, type RunningGnmi, startGnmi } from "./start.ts";
