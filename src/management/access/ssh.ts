import { createRequire } from "node:module";
import type * as Ssh2 from "ssh2";

const require = createRequire(import.meta.url);

/** SSH and its keys; loaded by the first who has to do with them, as a router without either starts sooner. */
export const ssh = (): typeof Ssh2 => require("ssh2") as typeof Ssh2;
