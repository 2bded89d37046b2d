export { replaceFile, syncDirectory } from "./atomic-file.ts";
export { systemClock } from "./clock.ts";
export { type FileDirectoryStore, openDirectoryStore } from "./directory-store.ts";
export { claimName } from "./exclusive-name.ts";
export { errnoOf, HostError, type HostFault } from "./faults.ts";
export { Journal, type JournalParts, openJournal } from "./journal.ts";
export { type LogLevel, type LogOptions, openLog, type SystemLog } from "./log.ts";
export { systemRandom } from "./random.ts";
export { openStateDirectory, type StateDirectory } from "./state-directory.ts";
