import { INVALID_AGENTS } from "./agents.ts";
import { INVALID_BGP } from "./bgp.ts";
import { INVALID_DATAPLANE } from "./dataplane.ts";
import { INVALID_DOCUMENT } from "./document.ts";
import type { Invalid } from "./types.ts";

/** Documents with faults, and exactly these: in the order of their lines. */
export const INVALID: readonly Invalid[] = [
  ...INVALID_DOCUMENT,
  ...INVALID_AGENTS,
  ...INVALID_BGP,
  ...INVALID_DATAPLANE,
];
