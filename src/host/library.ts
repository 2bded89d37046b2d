/** The package export `semrd/host`: what others than the router have a use for. */
export { systemClock } from "./clock.ts";
export { errnoOf, HostError, type HostFault } from "./faults.ts";
export { type LogLevel, type LogOptions, openLog, type SystemLog } from "./log.ts";
export { systemRandom } from "./random.ts";
