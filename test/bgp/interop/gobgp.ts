/** GoBGP, from Debian. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { ask, type Daemon, daemon, type Lab, OURS, PORT, THEIRS } from "./lab.ts";

export const GOBGPD = "/usr/bin/gobgpd";

export interface GoBgp extends Daemon {
  /** `gobgp` with these words. */
  ask(...words: string[]): Promise<string>;
}

export interface GoBgpOptions {
  readonly localAs: number;
  /** Families, each with lines of its own. */
  readonly families: readonly { readonly name: string; readonly lines?: string }[];
  /** Sections of the neighbour, which is us as AS 65000. */
  readonly neighbour?: string;
  /** Started as one that was there before. */
  readonly restarted?: boolean;
}

export async function goBgp(
  t: TestContext,
  { theirs, where }: Omit<Lab, "ours">,
  options: GoBgpOptions,
): Promise<GoBgp> {
  const config = join(where, "gobgpd.toml");
  const families = options.families.map(
    ({ name, lines = "" }) => `[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "${name}"
${lines}`,
  );
  await writeFile(
    config,
    `[global.config]
as = ${options.localAs}
router-id = "10.0.0.2"
port = ${PORT}
local-address-list = ["${THEIRS}"]
[[neighbors]]
[neighbors.config]
neighbor-address = "${OURS}"
peer-as = 65000
[neighbors.transport.config]
local-address = "${THEIRS}"
passive-mode = true
[neighbors.timers.config]
hold-time = 30
keepalive-interval = 10
${options.neighbour ?? ""}
${families.join("\n")}
`,
  );
  const api = ["--api-hosts", "127.0.0.1:50051", "--pprof-disable"];
  const process = daemon(t, theirs, [
    GOBGPD,
    "-f",
    config,
    "-l",
    "warn",
    ...api,
    ...(options.restarted === true ? ["-r"] : []),
  ]);
  return { ...process, ask: (...words) => ask(theirs, "gobgp", "-p", "50051", ...words) };
}
