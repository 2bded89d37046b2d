export { type ListeningParts, ListeningSocket } from "./listening-socket.ts";
export { readTlsFiles, type TlsFiles, type TlsIdentity, unreadable } from "./tls-files.ts";
export { authoritiesFault, certificateFault, keyFault, notValidAt, type PairFault } from "./tls-pair.ts";
