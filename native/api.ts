/**
 * What the Node-API addon offers. Types only: `native/index.ts` loads the addon and exports values of these types.
 *
 * Every function checks types, lengths and ranges itself and throws `RangeError` or `TypeError` on a wrong one, also
 * those that return a promise. A failed system call throws a {@link SystemCallError}, or is the reason of the
 * rejection. Descriptors that a function returns belong to the caller.
 */

import type { Bfd } from "./bfd-api.ts";
import type { Bpf } from "./bpf-api.ts";
import type { Paths } from "./path-api.ts";
import type { Sock } from "./sock-api.ts";
import type { Yang } from "./yang-api.ts";

export type * from "./bfd-api.ts";
export type * from "./bpf-api.ts";
export type * from "./path-api.ts";
export type * from "./sock-api.ts";
export type * from "./yang-api.ts";
export type * from "./yang-schema-api.ts";

/** Shape of what a failed system call throws: as Node's own errors do it. */
export interface SystemCallError extends Error {
  /** `"EPERM"`, `"EADDRINUSE"`, … */
  readonly code: string;
  /** Negative, as Node has it: `-98` for EADDRINUSE. */
  readonly errno: number;
  readonly syscall: string;
}

export interface Native {
  readonly bfd: Bfd;
  readonly bpf: Bpf;
  readonly paths: Paths;
  readonly sock: Sock;
  /** What it was built from: the SHA-256 of its sources, in hex. */
  readonly sources: string;
  readonly yang: Yang;
}
