import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import type { PeerRow, UnicastRouteRow } from "../../../src/management/index.ts";
import { listed } from "../../management/listed.ts";
import { ask, cable, daemon, folder, missing, OURS, PORT, semrdConfiguration, THEIRS, until } from "./lab.ts";

const BIRD = "/usr/sbin/bird";
const program = (name: string): string => fileURLToPath(new URL(`../../../tools/${name}`, import.meta.url));

/** The whole program: families from its configuration file, BIRD as neighbour, what semrctl says about it. */
it("semrd with a configuration file: prefixes of BIRD in semrctl, and the bound of one family", async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const [config, control, socket] = ["bird.conf", "bird.ctl", "semrd.sock"].map((name) => join(where, name)) as [
    string,
    string,
    string,
  ];
  const families = [
    { name: "ipv6-unicast", "add-path": { send: 2, receive: true } },
    { name: "ipv4-unicast", "maximum-routes": 3 },
  ];
  const file = join(where, "semrd.json");
  await writeFile(file, JSON.stringify(semrdConfiguration(where, socket, families)));
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; route 2001:db8:7::/48 unreachable; }
protocol static again { ipv6 { preference 90; }; route 2001:db8:7::/48 unreachable; }
protocol static three { ipv4; route 10.1.0.0/16 unreachable; route 10.2.0.0/16 unreachable; route 10.3.0.0/16 unreachable; }
protocol static onemore { disabled; ipv4; route 10.4.0.0/16 unreachable; }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65000;
  neighbor ${OURS} port ${PORT} as 65000;
  connect delay time 1;
  error wait time 1, 2;
  ipv6 { add paths on; import all; export filter {
    if source != RTS_STATIC then reject;
    if proto = "again" then bgp_med = 5;
    accept;
  }; };
  ipv4 { extended next hop on; import all; export where source = RTS_STATIC; };
}
`,
  );
  daemon(t, theirs, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid")]);
  daemon(t, ours, [program("semrd"), "--config", file]);
  const semrctl = async <T>(...words: string[]): Promise<readonly T[]> => {
    try {
      return JSON.parse(await ask(ours, program("semrctl"), "--json", "--socket", socket, ...words)) as readonly T[];
    } catch {
      return []; // not listening yet
    }
  };
  const routes = (family: string) => semrctl<UnicastRouteRow>("show", "routes", "--family", family);

  await until(
    "all prefixes",
    async () => (await routes("ipv6-unicast")).length === 2 && (await routes("ipv4-unicast")).length === 3,
  );
  const [{ ageSeconds: _, pathId, ...route }, other] = (await routes("ipv6-unicast")) as [
    UnicastRouteRow,
    UnicastRouteRow,
  ];
  assert.deepEqual([other.step, other.multiExitDisc], ["multi-exit-disc", 5]);
  assert.ok(pathId !== undefined && other.pathId !== undefined && pathId !== other.pathId);
  assert.deepEqual(route, {
    prefix: "2001:db8:7::/48",
    nextHop: THEIRS,
    peer: THEIRS,
    local: false,
    status: "best",
    stale: false,
    origin: "igp",
    localPref: 100,
    asPath: "",
    communities: [],
  });
  const [peer] = await semrctl<PeerRow>("show", "peers");
  assert.deepEqual(
    listed(
      peer!.perFamily.map(({ family, agreed, routesReceived, addPath }) => ({
        family,
        agreed,
        routesReceived,
        addPath,
      })),
    ),
    listed([
      { family: "ipv6-unicast", agreed: true, routesReceived: 2, addPath: "both" },
      { family: "ipv4-unicast", agreed: true, routesReceived: 3, addPath: undefined },
    ]),
  );

  assert.equal(peer!.enhancedRouteRefresh, true);

  // All that is known of it, in words; BIRD says the same.
  const details = await ask(ours, program("semrctl"), "--socket", socket, "show", "peer", THEIRS);
  const said = await ask(theirs, "birdc", "-s", control, "show", "protocols", "all", "semrd");
  for (const line of [
    /^fd5e:b6c::2 {2}Established for \d+s$/m,
    /^ {2}AS +65000, internal$/m,
    /^ {2}router ID +10\.0\.0\.2$/m,
    /^ {2}times +hold 90s, keepalive 30s, send hold 480s$/m,
    /^ {2}agreed +4-octet AS, route refresh, extended next hop, graceful restart, enhanced route refresh$/m,
    /^ {2}ipv6-unicast +agreed +2 .* both +both/m,
    /^ {2}ipv4-unicast +agreed +3 +3 /m,
  ])
    assert.match(details, line);
  const [, hold, keepalive] = /Hold timer: +[\d.]+\/(\d+)[\s\S]*Keepalive timer: +[\d.]+\/(\d+)/.exec(said) ?? [];
  assert.deepEqual([hold, keepalive].map(Number), [peer!.holdTimeSeconds, peer!.keepaliveSeconds]);
  t.diagnostic(details);

  await ask(theirs, "birdc", "-s", control, "enable", "onemore");
  await until("the bound ends the session", async () => {
    const [now] = await semrctl<PeerRow>("show", "peers");
    return now?.lastError?.includes("maximum number of prefixes") === true && now.waitsFor === "routes-limit";
  });
  return undefined;
});
