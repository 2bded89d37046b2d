import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { PeerRow, UnicastRouteRow } from "../../../src/management/index.ts";
import { ask, daemon, folder, missing, PORT, until } from "./lab.ts";
import { frrWithInterfaces, linkLocalStar } from "./links.ts";

const BIRD = "/usr/sbin/bird";
const BGPD = "/usr/lib/frr/bgpd";
const AS = 65000;
const FRR_AS = 65001;
const BIRD_AS = 65002;
const FAMILIES = { family: [{ name: "ipv6-unicast" }, { name: "ipv4-unicast" }] };
const program = (name: string): string => fileURLToPath(new URL(`../../../tools/${name}`, import.meta.url));

/** A configuration file with nothing but BGP, in which everything is taken and told. */
function configuration(where: string, bgp: object): string {
  const all = {
    name: "all",
    statements: { statement: [{ name: "all", actions: { "policy-result": "accept-route" } }] },
  };
  return JSON.stringify({
    "semrd-router:router": {
      name: "r1",
      "router-id": "10.0.0.1",
      "state-directory": join(where, "state"),
      management: { "control-socket": join(where, "semrd.sock") },
      domain: { "dns-zone": "example.net", prefix: "fd5e:3d00:1::/48" },
      site: { selector: 1, locator: "fd5e:b6c::1" },
      "semrd-dataplane:dataplane": { driver: "memory" },
      "semrd-policy:routing-policy": { "policy-definitions": { "policy-definition": [all] } },
      "semrd-bgp:bgp": {
        ...{ "local-as": AS, address: "::1", port: PORT, "connect-retry": 1 },
        "neighbor-defaults": { "maximum-back-off": 1, "import-policy": ["all"], "export-policy": ["all"] },
        ...bgp,
      },
    },
  });
}

async function semrd(t: TestContext, namespace: string, bgp: object) {
  const where = await folder(t);
  const file = join(where, "semrd.json");
  await writeFile(file, configuration(where, bgp));
  daemon(t, namespace, [program("semrd"), "--config", file]);
  const say = (...words: string[]): Promise<string> =>
    ask(namespace, program("semrctl"), "--socket", join(where, "semrd.sock"), ...words);
  const read = async <T>(...words: string[]): Promise<readonly T[]> => {
    try {
      return JSON.parse(await say("--json", ...words)) as readonly T[];
    } catch {
      return []; // not listening yet
    }
  };
  return {
    say,
    peers: () => read<PeerRow>("show", "peers"),
    routes: (family: string) => read<UnicastRouteRow>("show", "routes", "--family", family),
  };
}

const FRR_COMMON = [
  ...["hostname them", `router bgp ${FRR_AS}`, " bgp router-id 10.0.0.2", " no bgp ebgp-requires-policy"],
  ...[" no bgp network import-check", " no bgp default ipv4-unicast", " timers bgp 10 30", " coalesce-time 100"],
];
/** Below `router bgp`: what is exchanged with the neighbour. */
const frrFamilies = (neighbor: string): string[] => [
  ...[` neighbor ${neighbor} port ${PORT}`, ` neighbor ${neighbor} timers connect 1`],
  ` neighbor ${neighbor} capability extended-nexthop`,
  ...[
    " address-family ipv6 unicast",
    "  network 2001:db8:7::/48",
    `  neighbor ${neighbor} activate`,
    " exit-address-family",
  ],
  ...[
    " address-family ipv4 unicast",
    "  network 10.7.0.0/16",
    `  neighbor ${neighbor} activate`,
    " exit-address-family",
  ],
];

const birdConfiguration = (neighbor: string): string => `router id 10.0.0.3;
protocol device { }
protocol static { ipv6; route 2001:db8:8::/48 unreachable; }
protocol static four { ipv4; route 10.8.0.0/16 unreachable; }
protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
protocol kernel kernel4 { ipv4 { import none; export where source = RTS_BGP; }; }
protocol bgp semrd {
  local fe80::2 port ${PORT} as ${BIRD_AS};
  ${neighbor}
  connect delay time 1;
  error wait time 1, 2;
  ipv6 { import all; export all; };
  ipv4 { extended next hop on; import all; export all; };
}
`;

async function bird(t: TestContext, namespace: string, neighbor: string): Promise<string> {
  const where = await folder(t);
  const [config, control] = [join(where, "bird.conf"), join(where, "bird.ctl")];
  await writeFile(config, birdConfiguration(neighbor));
  daemon(t, namespace, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid")]);
  return control;
}

for (const { title, bgp, frr, birdSays } of [
  {
    title: "neighbours by link-local address and interface",
    bgp: {
      neighbors: {
        neighbor: [
          { address: "fe80::2%spine", port: PORT, "remote-as": FRR_AS, families: FAMILIES },
          { address: "fe80::2%leaf", port: PORT, "remote-as": BIRD_AS, families: FAMILIES },
        ],
      },
    },
    frr: [" neighbor fe80::1 remote-as 65000", " neighbor fe80::1 interface wire", ...frrFamilies("fe80::1")],
    birdSays: `neighbor fe80::1%wire port ${PORT} as ${AS};`,
  },
  {
    title: "neighbours by interface alone: FRR is found by router advertisements, BIRD connects",
    bgp: {
      "peer-groups": { "peer-group": [{ name: "fabric", port: PORT, families: FAMILIES }] },
      "dynamic-neighbors": {
        interface: ["spine", "leaf"].map((name) => ({ name, "peer-group": "fabric", "remote-as-type": "external" })),
      },
    },
    frr: [" neighbor wire interface remote-as external", ...frrFamilies("wire")],
    birdSays: `neighbor fe80::1%wire port ${PORT} as ${AS};`,
  },
]) {
  it(`leaf and spine without addresses, FRR 8.4.4 and BIRD 2.0.12: ${title} (RFC 2545, 8950)`, async (t) => {
    const reason = (await missing(BGPD, "frr")) ?? (await missing(BIRD, "bird2"));
    if (reason !== undefined) return t.skip(reason);
    const { ours, far } = await linkLocalStar(t, ["spine", "leaf"]);
    const [spine, leaf] = far as [(typeof far)[0], (typeof far)[0]];
    const their = await frrWithInterfaces(t, spine.namespace, await folder(t), [...FRR_COMMON, ...frr]);
    const control = await bird(t, leaf.namespace, birdSays);
    const { say, peers, routes } = await semrd(t, ours, bgp);

    // Of both neighbours, with the interface of each: the addresses are the same.
    const shown = async (family: string): Promise<string[]> =>
      (await routes(family))
        .map(({ prefix, nextHop, peer, status }) => `${prefix} ${nextHop} ${peer} ${status}`)
        .sort();
    let found: readonly string[] = [];
    await until(
      () => `routes of both: ${found.join(", ")}`,
      async () => {
        found = [...(await shown("ipv6-unicast")), ...(await shown("ipv4-unicast"))];
        return found.length === 4;
      },
    );
    assert.deepEqual(found, [
      "2001:db8:7::/48 fe80::2%spine fe80::2%spine best",
      "2001:db8:8::/48 fe80::2%leaf fe80::2%leaf best",
      "10.7.0.0/16 fe80::2%spine fe80::2%spine best",
      "10.8.0.0/16 fe80::2%leaf fe80::2%leaf best",
    ]);
    const rows = await peers();
    assert.deepEqual(rows.map(({ address, state, kind }) => `${address} ${state} ${kind}`).sort(), [
      "fe80::2%leaf Established external",
      "fe80::2%spine Established external",
    ]);
    const details = await say("show", "peer", "fe80::2%leaf");
    for (const line of [
      /^fe80::2%leaf {2}Established/,
      /^ +1 +multiprotocol +ipv6\/unicast, ipv4\/unicast +ipv[46]\/unicast, ipv[46]\/unicast +yes$/m,
      /^ +2 +route-refresh +yes +yes +yes$/m,
      /^ +65 +four-octet-as +65000 +65002 +yes$/m,
      /^ +OPENs +\d+ received, \d+ sent$/m,
    ])
      assert.match(details, line);
    // FRR says what nobody else does: its name.
    const ofFrr = await say("show", "peer", "fe80::2%spine");
    assert.match(ofFrr, /^ +73 +fqdn +- +them/m);
    t.diagnostic(ofFrr);

    // What each is told of the other leads to us on its own link, and their kernels take it.
    const kernel = async (namespace: string, version: "-4" | "-6", prefix: string): Promise<string> =>
      (await ask(namespace, "ip", version, "route", "show", prefix)).trim();
    for (const [namespace, version, prefix] of [
      [spine.namespace, "-6", "2001:db8:8::/48"],
      [spine.namespace, "-4", "10.8.0.0/16"],
      [leaf.namespace, "-6", "2001:db8:7::/48"],
      [leaf.namespace, "-4", "10.7.0.0/16"],
    ] as const) {
      let route = "";
      await until(
        () => `${prefix} in the kernel of ${namespace}: ${route}`,
        async () => {
          route = await kernel(namespace, version, prefix);
          return route !== "";
        },
      );
      assert.match(route, /via (inet6 )?fe80::1 dev wire/);
    }
    t.diagnostic(await their.show("show bgp ipv6 unicast 2001:db8:8::/48"));
    t.diagnostic(await ask(leaf.namespace, "birdc", "-s", control, "show", "route", "all", "2001:db8:7::/48"));
  });
}
