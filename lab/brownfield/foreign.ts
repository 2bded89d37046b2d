import { existsSync } from "node:fs";
import type { Lab } from "../runner/index.ts";

/** The router in the middle. */
export interface Foreign {
  readonly name: string;
  /** What its routes look like, in its own words. */
  readonly commands: readonly (readonly string[])[];
  /** Debian's package, and a file that is there when it is installed. */
  readonly debianPackage: string;
  readonly program: string;
  /** It puts what BGP says into the kernel's routing table, as it runs here. */
  readonly forwards: boolean;
}

/** One route of ours: where its site's own address ends, in the words of each program's commands. */
const SITE_2 = "fd5e:3d00:1:1:7:3ee0:71be:2/128";

export const FOREIGN = {
  frr: {
    name: "FRR",
    debianPackage: "frr",
    program: "/usr/lib/frr/bgpd",
    forwards: true,
    commands: [
      ["vtysh", "-d", "bgpd", "-c", "show bgp ipv6 unicast"],
      ["vtysh", "-d", "bgpd", "-c", `show bgp ipv6 unicast ${SITE_2}`],
    ],
  },
  bird: {
    name: "BIRD",
    debianPackage: "bird2",
    program: "/usr/sbin/bird",
    forwards: true,
    commands: [
      ["birdc", "-s", "/run/bird.ctl", "show route where source = RTS_BGP"],
      ["birdc", "-s", "/run/bird.ctl", `show route all for ${SITE_2}`],
    ],
  },
  gobgp: {
    name: "GoBGP",
    debianPackage: "gobgpd",
    program: "/usr/bin/gobgpd",
    forwards: false, // it needs FRR's zebra for that
    commands: [
      ["gobgp", "-p", "50051", "global", "rib", "-a", "ipv6"],
      ["gobgp", "-p", "50051", "global", "rib", "-a", "ipv6", SITE_2],
    ],
  },
} as const satisfies Record<string, Foreign>;

export type ForeignName = keyof typeof FOREIGN;
export const ROLES = ["reflector", "transit"] as const;
export type Role = (typeof ROLES)[number];

export function isInstalled(peer: ForeignName): boolean {
  return existsSync(FOREIGN[peer].program);
}

/** What x says about the capability routes, command by command, without trailing blanks. */
export async function foreignWords(
  lab: Lab,
  peer: ForeignName,
): Promise<readonly { readonly command: string; readonly lines: readonly string[] }[]> {
  const said: { readonly command: string; readonly lines: readonly string[] }[] = [];
  for (const argv of FOREIGN[peer].commands) {
    const done = await lab.exec("x", argv);
    if (done.code !== 0) throw new Error(`x: ${argv.join(" ")}: exit code ${done.code}: ${done.stderr.trim()}`);
    const lines = done.stdout.trimEnd().split("\n");
    said.push({ command: argv.join(" "), lines: lines.map((line) => line.trimEnd()) });
  }
  return said;
}
