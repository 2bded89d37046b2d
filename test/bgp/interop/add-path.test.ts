import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { loadNative } from "../../../native/index.ts";
import { formatIpv6, parseIpv6, seconds } from "../../../src/base/index.ts";
import { createNetTransport, type PeerFamily, type PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { systemClock as clock } from "../../../src/host/index.ts";
import type { UnicastFamily } from "../../../src/rib/index.ts";
import { Router } from "../speaker/router.ts";
import { setSample } from "../wire/samples.ts";
import {
  address,
  ask,
  cable,
  daemon,
  folder,
  LENGTH,
  learnt,
  missing,
  OURS,
  originate,
  PORT,
  prefixText,
  THEIRS,
  until,
} from "./lab.ts";

const run = promisify(execFile);
const OURS_AS = 65000;
/** Two neighbours of ours that tell us the same prefixes, and two of the other daemon that tell it the same others. */
const OUR_SOURCES = [11, 12];
const THEIR_SOURCES = [21, 22];
const at = (n: number): string => `fd5e:b6c::${n}`;
const asOf = (n: number): number => 65000 + n;
/** First octets of the prefixes that go to the daemon, and of those that come from it. */
const TO = { "ipv6-unicast": 0x2a, "ipv4-unicast": 42 } as const;
const FROM = { "ipv6-unicast": 0x20, "ipv4-unicast": 20 } as const;

interface Lab {
  readonly center: Router;
  readonly sources: ReadonlyMap<number, Router>;
}

/** A router of ours in the middle of two others, all at our end of the cable. */
async function lab(
  t: TestContext,
  ours: string,
  families: readonly UnicastFamily[],
  peer: Partial<PeerOptions> = {},
): Promise<Lab> {
  for (const n of [...OUR_SOURCES, ...THEIR_SOURCES]) {
    await run("ip", ["-n", ours, "address", "add", `${at(n)}/64`, "dev", "wire", "nodad"]);
  }
  const parts = { clock, seed: 1 };
  const start = async (own: string, identifier: string, localAs: number, peers: readonly Partial<PeerOptions>[]) => {
    const transport = createNetTransport({ clock, sock: loadNative().sock, namespace: `/run/netns/${ours}` });
    const plain = families.map((family) => ({ family }));
    const router = await Router.start(
      {
        address: own,
        identifier,
        port: PORT,
        localAs,
        maxRoutes: 10_000,
        speaker: { acceptExternal: true },
        peers: peers.map((one) => ({
          port: PORT,
          holdTime: seconds(30),
          connectRetry: seconds(1),
          maximumBackOff: seconds(2),
          families: plain,
          ...one,
          address: one.address!,
        })),
      },
      { ...parts, transport },
    );
    t.after(() => router[Symbol.asyncDispose]());
    return router;
  };
  const several: readonly PeerFamily[] = families.map((family) => ({
    family,
    addPath: { send: "all", receive: true },
  }));
  const center = await start(OURS, "10.0.0.1", OURS_AS, [
    { address: THEIRS, remoteAs: OURS_AS, families: several, ...peer },
    ...OUR_SOURCES.map((n) => ({ address: at(n), remoteAs: asOf(n), passive: true })),
  ]);
  const sources = new Map<number, Router>();
  for (const n of [...OUR_SOURCES, ...THEIR_SOURCES]) {
    const to = OUR_SOURCES.includes(n) ? OURS : THEIRS;
    sources.set(n, await start(at(n), `10.0.0.${n}`, asOf(n), [{ address: to, remoteAs: OURS_AS }]));
  }
  for (const [n, router] of sources) {
    const first = OUR_SOURCES.includes(n) ? TO : FROM;
    for (const family of families) {
      // One less of the second path of each, so that nets with one path are there, too.
      originate(router, family, first[family], 0, n % 10 === 1 ? 4 : 3, { nextHop: parseIpv6(at(n))! });
    }
  }
  return { center, sources };
}

const prefix = (family: UnicastFamily, first: typeof TO | typeof FROM, n: number) => ({
  family,
  address: address(family, first[family], n),
  length: LENGTH[family],
});

/** `65021 #1`: the AS that it came from and its identifier, of the paths that came from the daemon. */
function paths({ center }: Lab, family: UnicastFamily, n: number): string[] {
  const wanted = prefixText(family, FROM[family], n);
  return learnt(center, family)
    .filter((row) => center.rib.peer(row.peer)?.name === THEIRS)
    .filter(({ address: of, length }) => textOf(family, of, length) === wanted)
    .map(({ attributes, pathId }) => `${attributes.asPath[0]?.numbers.at(-1)} #${pathId}`)
    .sort();
}

function textOf(family: UnicastFamily, octets: Uint8Array, length: number): string {
  return `${family === "ipv6-unicast" ? formatIpv6(octets) : [...octets].join(".")}/${length}`;
}

/** The whole story; `count` says how many paths the daemon has of one of our prefixes. */
async function story(
  t: TestContext,
  world: Lab,
  families: readonly UnicastFamily[],
  count: (family: UnicastFamily, n: number) => Promise<number>,
): Promise<void> {
  const { center, sources } = world;
  const session = () => center.peer(THEIRS);
  await until(
    () => `the session: ${session().lastError?.text}`,
    () => session().state === "Established",
  );
  for (const { family, addPath } of session().perFamily) {
    t.diagnostic(`${family}: ADD-PATH send ${addPath.send}, receive ${addPath.receive}`);
    assert.deepEqual(addPath, { send: true, receive: true });
  }
  for (const family of families) {
    const ours = async () => Promise.all([0, 1, 2, 3].map((n) => count(family, n)));
    let last: number[] = [];
    await until(
      () => `two paths of ours each, one of the last, ${family}: ${last}`,
      async () => {
        last = await ours();
        return `${last}` === "2,2,2,1";
      },
    );
    await until(
      () => `two paths of theirs each, one of the last, ${family}: ${[0, 3].map((n) => paths(world, family, n))}`,
      () => [0, 1, 2].every((n) => paths(world, family, n).length === 2) && paths(world, family, 3).length === 1,
    );
    const ids = paths(world, family, 0).map((text) => text.split("#")[1]);
    assert.equal(new Set(ids).size, 2);
    t.diagnostic(`${prefixText(family, FROM[family], 0)} from the peer: ${paths(world, family, 0).join(", ")}`);
    // One of two goes, and changes; the other one stays.
    const before = session().updatesSent;
    sources.get(11)!.speaker.withdrawUnicast(prefix(family, TO, 0));
    await until("one path less there", async () => (await count(family, 0)) === 1);
    assert.equal(await count(family, 1), 2);
    assert.ok(session().updatesSent <= before + 1, "one UPDATE");
    const { localPref: _, semantic: _s, ...set } = setSample({ nextHop: parseIpv6(at(11))!, multiExitDisc: 9 });
    sources.get(11)!.speaker.originateUnicast(prefix(family, TO, 0), set);
    await until("and again", async () => (await count(family, 0)) === 2);
    const known = paths(world, family, 1);
    sources.get(21)!.speaker.withdrawUnicast(prefix(family, FROM, 1));
    await until(
      () => `one path less here: ${paths(world, family, 1)}`,
      () => paths(world, family, 1).length === 1,
    );
    assert.deepEqual(
      paths(world, family, 1),
      known.filter((text) => text.startsWith("65022")),
    );
    await until("all is said", () => session().routesPending === 0);
  }
  assert.ok(center.speaker.refresh(THEIRS));
  await until("all paths come again", () => session().routesPending === 0);
  for (const family of families) assert.deepEqual(paths(world, family, 0).length, 2);
  assert.deepEqual([session().flaps, center.metrics.sum("semrd_bgp_malformed_total")], [0, 0]);
}

it("BIRD: several paths of IPv6 and IPv4 prefixes in both directions", async (t) => {
  const BIRD = "/usr/sbin/bird";
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const [config, control] = [join(where, "bird.conf"), join(where, "bird.ctl")];
  const session = (name: string, neighbor: string, as: number, paths: string): string => `protocol bgp ${name} {
  local ${THEIRS} port ${PORT} as ${OURS_AS};
  neighbor ${neighbor} port ${PORT} as ${as};
  hold time 30; connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv6 { ${paths} import all; export ${name === "semrd" ? 'where proto ~ "t*"' : "none"}; };
  ipv4 { extended next hop on; ${paths} import all; export ${name === "semrd" ? 'where proto ~ "t*"' : "none"}; };
}
`;
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
${session("semrd", OURS, OURS_AS, "add paths on;")}${THEIR_SOURCES.map((n) => session(`t${n}`, at(n), asOf(n), "")).join("")}`,
  );
  daemon(t, theirs, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid")]);
  const families = ["ipv6-unicast", "ipv4-unicast"] as const;
  const world = await lab(t, ours, families);
  const tell = async (...words: string[]): Promise<string> => {
    try {
      return await ask(theirs, "birdc", "-s", control, ...words);
    } catch {
      return ""; // not listening yet, or "Network not found"
    }
  };
  await story(t, world, families, async (family, n) => {
    const said = await tell("show", "route", "for", prefixText(family, TO[family], n), "all");
    return said.match(/BGP\.as_path: 650/g)?.length ?? 0;
  });
  const said = await tell("show", "protocols", "all", "semrd");
  t.diagnostic(
    said
      .split("\n")
      .filter((line) => /ADD-PATH|RX:|TX:|Enhanced/.test(line))
      .map((line) => line.trim())
      .join("; "),
  );
  t.diagnostic((await tell("show", "route", "for", prefixText("ipv6-unicast", TO["ipv6-unicast"], 0))).trim());
  assert.match(said, /ADD-PATH/);
  return undefined;
});

it("FRR: several paths of IPv6 prefixes in both directions (addpath-tx-all-paths)", async (t) => {
  const BGPD = "/usr/lib/frr/bgpd";
  const reason = await missing(BGPD, "frr");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const neighbor = (name: string, as: number): string => ` neighbor ${name} remote-as ${as}
 neighbor ${name} port ${PORT}
 neighbor ${name} timers connect 1
`;
  await writeFile(
    join(where, "bgpd.conf"),
    `hostname them
password x
router bgp ${OURS_AS}
 bgp router-id 10.0.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
 timers bgp 10 30
${neighbor(OURS, OURS_AS)}${THEIR_SOURCES.map((n) => neighbor(at(n), asOf(n))).join("")} address-family ipv6 unicast
  neighbor ${OURS} activate
  neighbor ${OURS} addpath-tx-all-paths
${THEIR_SOURCES.map((n) => `  neighbor ${at(n)} activate`).join("\n")}
 exit-address-family
`,
  );
  const argv = [BGPD, "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")];
  daemon(t, theirs, [...argv, "--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", THEIRS]);
  const families = ["ipv6-unicast"] as const;
  const world = await lab(t, ours, families);
  const show = async (...words: string[]): Promise<string> =>
    ask(theirs, "vtysh", "--vty_socket", where, "-d", "bgpd", "-c", words.join(" "));
  const pathsOf = async (family: UnicastFamily, n: number) => {
    const said = await show(`show bgp ipv6 unicast ${prefixText(family, TO[family], n)} json`);
    return (JSON.parse(said) as { readonly paths?: readonly unknown[] }).paths ?? [];
  };
  await story(t, world, families, async (family, n) => (await pathsOf(family, n)).length);
  const said = await show(`show bgp ipv6 unicast ${prefixText("ipv6-unicast", TO["ipv6-unicast"], 0)}`);
  t.diagnostic(said.match(/AddPath ID: [^\n]*/g)?.join("; ") ?? said);
  assert.match(said, /AddPath ID: RX [1-9]/);
  return undefined;
});

it("GoBGP: several paths of IPv6 prefixes in both directions", async (t) => {
  const GOBGPD = "/usr/bin/gobgpd";
  const reason = await missing(GOBGPD, "gobgpd");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const neighbor = (name: string, as: number, more: string): string => `[[neighbors]]
[neighbors.config]
neighbor-address = "${name}"
peer-as = ${as}
[neighbors.transport.config]
local-address = "${THEIRS}"
passive-mode = true
[neighbors.timers.config]
hold-time = 30
keepalive-interval = 10
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv6-unicast"
${more}
`;
  const several = "[neighbors.afi-safis.add-paths.config]\nreceive = true\nsend-max = 8";
  await writeFile(
    join(where, "gobgpd.toml"),
    `[global.config]
as = ${OURS_AS}
router-id = "10.0.0.2"
port = ${PORT}
local-address-list = ["${THEIRS}"]
${neighbor(OURS, OURS_AS, several)}${THEIR_SOURCES.map((n) => neighbor(at(n), asOf(n), "")).join("")}`,
  );
  daemon(t, theirs, [
    GOBGPD,
    "-f",
    join(where, "gobgpd.toml"),
    "-l",
    "warn",
    "--api-hosts",
    "127.0.0.1:50051",
    "--pprof-disable",
  ]);
  const families = ["ipv6-unicast"] as const;
  const world = await lab(t, ours, families);
  const tell = (...words: string[]): Promise<string> => ask(theirs, "gobgp", "-p", "50051", ...words);
  const rib = async (family: UnicastFamily, n: number): Promise<string> => {
    try {
      return await tell("global", "rib", "-a", "ipv6", prefixText(family, TO[family], n));
    } catch {
      return ""; // not listening yet, or "Network not in table"
    }
  };
  await story(t, world, families, async (family, n) => (await rib(family, n)).match(/650(11|12)/g)?.length ?? 0);
  t.diagnostic((await tell("neighbor", OURS, "adj-in", "-a", "ipv6")).split("\n").slice(0, 4).join(" | "));
  return undefined;
});

it("OpenBGPD: several paths of IPv6 prefixes in both directions", async (t) => {
  const BGPD = "/usr/sbin/bgpd";
  const reason = await missing(BGPD, "openbgpd");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const [config, socket] = [join(where, "bgpd.conf"), join(where, "bgpd.sock")];
  const neighbor = (name: string, as: number, more: string): string => `neighbor ${name} {
  remote-as ${as}
  port ${PORT}
  local-address ${THEIRS}
  holdtime 30
  announce IPv6 unicast
  announce IPv4 none
  ${more}
}
`;
  await writeFile(
    config,
    `AS ${OURS_AS}
router-id 10.0.0.2
listen on ${THEIRS} port ${PORT}
socket "${socket}"
fib-update no
nexthop qualify via default
${neighbor(OURS, OURS_AS, "announce add-path recv yes\n  announce add-path send all")}${THEIR_SOURCES.map((n) => neighbor(at(n), asOf(n), "enforce neighbor-as yes")).join("")}
allow from any
allow to any
`,
    { mode: 0o600 },
  );
  // It wants a home below /run, which its package makes when the service is started.
  const home = 'mount -t tmpfs none /run && mkdir /run/openbgpd && exec "$@"';
  daemon(t, theirs, ["unshare", "--mount", "sh", "-c", home, "sh", BGPD, "-d", "-f", config]);
  const families = ["ipv6-unicast"] as const;
  const world = await lab(t, ours, families);
  const show = async (...words: string[]): Promise<string> => {
    try {
      return await ask(theirs, "bgpctl", "-s", socket, "show", ...words);
    } catch {
      return ""; // not listening yet
    }
  };
  await story(t, world, families, async (family, n) => {
    return (await show("rib", prefixText(family, TO[family], n))).match(/650(11|12) i$/gm)?.length ?? 0;
  });
  t.diagnostic((await show("rib", prefixText("ipv6-unicast", TO["ipv6-unicast"], 0))).trim());
  return undefined;
});
