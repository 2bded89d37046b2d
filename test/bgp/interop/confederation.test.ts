import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadNative } from "../../../native/index.ts";
import { parseIpv6, seconds } from "../../../src/base/index.ts";
import { createNetTransport } from "../../../src/bgp/speaker/index.ts";
import { systemClock as clock } from "../../../src/host/index.ts";
import type { PeerRow, UnicastRouteRow } from "../../../src/management/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { Router } from "../speaker/router.ts";
import {
  ask,
  cable,
  daemon,
  folder,
  learnt,
  missing,
  OURS,
  originate,
  PORT,
  prefixText,
  semrd,
  semrdConfiguration,
  THEIRS,
  until,
} from "./lab.ts";

const run = promisify(execFile);
const BIRD = "/usr/sbin/bird";
const program = (name: string): string => fileURLToPath(new URL(`../../../tools/${name}`, import.meta.url));
const FAMILY = "ipv6-unicast";
const IDENTIFIER = 65000;
const [OUR_MEMBER, THEIR_MEMBER] = [65101, 65102];
const OUTSIDE = "fd5e:b6c::11";
const OUTSIDE_AS = 64999;
/** First octets: of this member AS, of the outsider's, of the daemon's. */
const [OWN, OUTSIDERS, DAEMONS] = [0x2a, 0x2b, 0x20];

const text = ({ asPath }: AttributeSet): string =>
  asPath.map(({ type, numbers }) => (type === "sequence" ? numbers.join(" ") : `(${numbers.join(" ")})`)).join(" ");

interface Lab {
  /** Of member AS 65101. */
  readonly inside: Router;
  /** An AS that knows the confederation only. */
  readonly outside: Router;
}

async function lab(t: TestContext, ours: string): Promise<Lab> {
  await run("ip", ["-n", ours, "address", "add", `${OUTSIDE}/64`, "dev", "wire", "nodad"]);
  const families = [{ family: FAMILY }] as const;
  const inside = await semrd(t, ours, {
    localAs: OUR_MEMBER,
    peer: { remoteAs: THEIR_MEMBER, families },
    speaker: {
      acceptExternal: true,
      confederation: { identifier: IDENTIFIER, members: [THEIR_MEMBER] },
    },
  });
  inside.speaker.addPeer({
    address: OUTSIDE,
    port: PORT,
    remoteAs: OUTSIDE_AS,
    passive: true,
    holdTime: seconds(30),
    connectRetry: seconds(1),
    families,
  });
  const transport = createNetTransport({ clock, sock: loadNative().sock, namespace: `/run/netns/${ours}` });
  const outside = await Router.start(
    {
      address: OUTSIDE,
      identifier: "10.0.0.9",
      port: PORT,
      localAs: OUTSIDE_AS,
      speaker: { acceptExternal: true },
      peers: [
        { address: OURS, port: PORT, remoteAs: IDENTIFIER, families, holdTime: seconds(30), connectRetry: seconds(1) },
      ],
    },
    { clock, transport, seed: 1 },
  );
  t.after(() => outside[Symbol.asyncDispose]());
  originate(inside, FAMILY, OWN, 1, 2, { multiExitDisc: 7 });
  originate(outside, FAMILY, OUTSIDERS, 1, 2, { nextHop: parseIpv6(OUTSIDE)!, multiExitDisc: 9 });
  return { inside, outside };
}

/** What is known on both sides of the daemon; `show` says what it prints about a prefix. */
async function story(
  t: TestContext,
  { inside, outside }: Lab,
  show: (prefix: string) => Promise<string>,
  paths: readonly RegExp[],
): Promise<void> {
  await until(
    () => `the session: ${inside.peer(THEIRS).lastError?.text}`,
    () => inside.peer(THEIRS).state === "Established",
  );
  assert.equal(inside.peer(THEIRS).kind, "confederation");
  await until("the outsider's session", () => outside.peer().state === "Established");
  const prefixes = [prefixText(FAMILY, OWN, 1), prefixText(FAMILY, OUTSIDERS, 1)];
  for (const [i, prefix] of prefixes.entries()) {
    let said = "";
    await until(
      () => `${prefix} there: ${said}`,
      async () => {
        said = await show(prefix);
        return paths[i]!.test(said);
      },
    );
    t.diagnostic(`${prefix}: ${said.match(/[^\n]*(AS_path|as_path|\(65101\))[^\n]*/)?.[0].trim()}`);
    assert.match(
      said,
      i === 0 ? /metric 7|MED: 7|med: 7/i : /metric 9|MED: 9|med: 9/i,
      "MED crosses the member's border",
    );
    assert.match(said, /localpref 100|local_pref: 100/i, "LOCAL_PREF, too");
  }
  const theirs = () =>
    [inside, outside].map(
      (router) => learnt(router, FAMILY).filter(({ address }) => address[0] === DAEMONS)[0]?.attributes,
    );
  await until("their route here and outside", () => theirs().every((set) => set !== undefined));
  const [here, there] = theirs();
  assert.deepEqual([text(here!), text(there!)], [`(${THEIR_MEMBER})`, `${IDENTIFIER}`]);
  assert.equal(here!.localPref, 100);
  assert.equal(outside.peer().remoteAs, IDENTIFIER);
  assert.deepEqual(
    [
      inside.peer(THEIRS).flaps,
      inside.metrics.sum("semrd_bgp_malformed_total"),
      outside.metrics.sum("semrd_bgp_malformed_total"),
    ],
    [0, 0, 0],
  );
}

it("FRR as another member of a confederation", async (t) => {
  const BGPD = "/usr/lib/frr/bgpd";
  const reason = await missing(BGPD, "frr");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  await writeFile(
    join(where, "bgpd.conf"),
    `hostname them
password x
router bgp ${THEIR_MEMBER}
 bgp router-id 10.0.0.2
 bgp confederation identifier ${IDENTIFIER}
 bgp confederation peers ${OUR_MEMBER}
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
 timers bgp 10 30
 neighbor ${OURS} remote-as ${OUR_MEMBER}
 neighbor ${OURS} port ${PORT}
 neighbor ${OURS} timers connect 1
 address-family ipv6 unicast
  network ${prefixText(FAMILY, DAEMONS, 1)}
  neighbor ${OURS} activate
 exit-address-family
`,
  );
  const argv = [BGPD, "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")];
  daemon(t, theirs, [...argv, "--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", THEIRS]);
  const world = await lab(t, ours);
  const show = (words: string): Promise<string> =>
    ask(theirs, "vtysh", "--vty_socket", where, "-d", "bgpd", "-c", words);
  await story(t, world, (prefix) => show(`show bgp ipv6 unicast ${prefix}`), [
    /^ +\(65101\)$/m,
    /^ +\(65101\) 64999$/m,
  ]);
  assert.match(await show(`show bgp ipv6 unicast ${prefixText(FAMILY, OWN, 1)}`), /confed-external/);
  return undefined;
});

/** @returns its control socket */
async function birdAsMember(t: TestContext, namespace: string, where: string): Promise<string> {
  const [config, control] = [join(where, "bird.conf"), join(where, "bird.ctl")];
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; route ${prefixText(FAMILY, DAEMONS, 1)} unreachable; }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as ${THEIR_MEMBER};
  neighbor ${OURS} port ${PORT} as ${OUR_MEMBER};
  confederation ${IDENTIFIER};
  confederation member yes;
  hold time 30; connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv6 { import all; export where source = RTS_STATIC; };
}
`,
  );
  daemon(t, namespace, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid")]);
  return control;
}

it("BIRD as another member of a confederation", async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const control = await birdAsMember(t, theirs, where);
  const world = await lab(t, ours);
  const show = async (prefix: string): Promise<string> => {
    try {
      return await ask(theirs, "birdc", "-s", control, "show", "route", "for", prefix, "all");
    } catch {
      return ""; // not listening yet, or "Network not found"
    }
  };
  await story(t, world, show, [/as_path: \(65101\)$/m, /as_path: \(65101\) 64999$/m]);
  return undefined;
});

it("semrd with a configuration file as a member: BIRD's routes in semrctl", async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  await birdAsMember(t, theirs, where);
  const [file, socket] = [join(where, "semrd.json"), join(where, "semrd.sock")];
  const configuration = semrdConfiguration(where, socket, [{ name: FAMILY }]) as {
    "semrd-router:router": { "semrd-bgp:bgp": Record<string, unknown> & { neighbors: { neighbor: object[] } } };
  };
  const bgp = configuration["semrd-router:router"]["semrd-bgp:bgp"];
  bgp["local-as"] = OUR_MEMBER;
  bgp.confederation = { identifier: IDENTIFIER, "member-as": [THEIR_MEMBER] };
  Object.assign(bgp.neighbors.neighbor[0]!, { "remote-as": THEIR_MEMBER });
  await writeFile(file, JSON.stringify(configuration));
  daemon(t, ours, [program("semrd"), "--config", file]);
  const semrctl = async <T>(...words: string[]): Promise<readonly T[]> => {
    try {
      return JSON.parse(await ask(ours, program("semrctl"), "--json", "--socket", socket, ...words)) as readonly T[];
    } catch {
      return []; // not listening yet
    }
  };
  let routes: readonly UnicastRouteRow[] = [];
  await until("its route", async () => {
    routes = await semrctl<UnicastRouteRow>("show", "routes", "--family", FAMILY);
    return routes.length === 1;
  });
  const [peer] = await semrctl<PeerRow>("show", "peers");
  assert.deepEqual(
    [peer!.kind, routes[0]!.asPath, routes[0]!.localPref, routes[0]!.prefix],
    ["confederation", `(${THEIR_MEMBER})`, 100, prefixText(FAMILY, DAEMONS, 1)],
  );
  return undefined;
});
