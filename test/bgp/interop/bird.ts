/** BIRD, from Debian. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { AS, FAMILY } from "./corners.ts";
import { ask, type Daemon, daemon, type Lab, OURS, PORT, prefixText, THEIRS } from "./lab.ts";

export const BIRD = "/usr/sbin/bird";

export interface Bird extends Daemon {
  /** `birdc` with these words. */
  tell(words: string): Promise<string>;
  /** What it prints of a route of ours; nothing where it has none, which it calls an error. */
  route(prefix: string): Promise<string>;
}

export interface BirdOptions {
  readonly localAs: number;
  /** Static ones, from number 1 on. */
  readonly routes: number;
  /** Statements of the protocol, which is called semrd. */
  readonly protocol?: string;
  /** Statements of its channel. */
  readonly channel: string;
}

export async function bird(t: TestContext, { theirs, where }: Omit<Lab, "ours">, options: BirdOptions): Promise<Bird> {
  const [config, control] = [join(where, "bird.conf"), join(where, "bird.ctl")];
  const routes = Array.from(
    { length: options.routes },
    (_, n) => `route ${prefixText(FAMILY, 0x20, n + 1)} unreachable;`,
  );
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; ${routes.join(" ")} }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as ${options.localAs};
  neighbor ${OURS} port ${PORT} as ${AS};
  hold time 30; connect delay time 1; connect retry time 1; error wait time 1, 2;
  ${options.protocol ?? ""}
  ipv6 { ${options.channel} };
}
`,
  );
  const process = daemon(t, theirs, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid")]);
  const tell = (words: string): Promise<string> => ask(theirs, "birdc", "-s", control, ...words.split(" "));
  return { ...process, tell, route: (prefix) => tell(`show route protocol semrd for ${prefix} all`).catch(() => "") };
}
