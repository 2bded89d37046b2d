/** OpenBGPD, from Debian. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { ask, type Daemon, daemon, type Lab, OURS, PORT, prefixText, THEIRS } from "./lab.ts";

export const BGPD = "/usr/sbin/bgpd";

export interface OpenBgpd extends Daemon {
  /** `bgpctl` with these words. */
  ask(...words: string[]): Promise<string>;
  /** Prefixes that it has from us. */
  received(): Promise<number>;
}

export interface OpenBgpdOptions {
  readonly localAs: number;
  /** How many routes it has, from number 0 on. */
  readonly routes?: number;
  /** Further lines in front of what is said about us. */
  readonly lines?: readonly string[];
  /** Lines about us, as AS 65000. */
  readonly neighbour: readonly string[];
  /** After everything else is allowed. */
  readonly rules?: readonly string[];
}

export async function openBgpd(t: TestContext, { theirs, where }: Lab, options: OpenBgpdOptions): Promise<OpenBgpd> {
  const [config, socket] = [join(where, "bgpd.conf"), join(where, "bgpd.sock")];
  const routes = Array.from(
    { length: options.routes ?? 0 },
    (_, n) => `network ${prefixText("ipv6-unicast", 0x20, n)}`,
  );
  await writeFile(
    config,
    `AS ${options.localAs}
router-id 10.0.0.2
connect-retry 2
listen on ${THEIRS} port ${PORT}
socket "${socket}"
fib-update no
nexthop qualify via default
${[...routes, ...(options.lines ?? [])].join("\n")}
neighbor ${OURS} {
  remote-as 65000
  port ${PORT}
  local-address ${THEIRS}
  announce IPv6 unicast
  announce IPv4 none
  ${options.neighbour.join("\n  ")}
}
allow from any
allow to any
${(options.rules ?? []).join("\n")}
`,
    { mode: 0o600 },
  );
  // It wants a home below /run, which its package makes when the service is started.
  const home = 'mount -t tmpfs none /run && mkdir /run/openbgpd && exec "$@"';
  const process = daemon(t, theirs, ["unshare", "--mount", "sh", "-c", home, "sh", BGPD, "-d", "-f", config]);
  const tell = (...words: string[]): Promise<string> => ask(theirs, "bgpctl", "-s", socket, ...words);
  const received = async (): Promise<number> => {
    const said = JSON.parse(await tell("-j", "show", "neighbor", OURS)) as {
      readonly neighbors: readonly { readonly stats?: { readonly prefixes?: { readonly received?: number } } }[];
    };
    return said.neighbors[0]?.stats?.prefixes?.received ?? 0;
  };
  return { ...process, ask: tell, received };
}
