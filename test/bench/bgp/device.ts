/**
 * A router with nothing but BGP, for load generators: `node device.ts [--family=F] [--turns] LISTEN ADDRESS,AS,ROLE ...`.
 *
 * Everybody is an external neighbour that connects; what comes from a `sender` goes to every `sink`, and nothing goes to anybody
 * else. Policy is on in both directions. Says "ready" when it listens, and runs until SIGTERM.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { fromHex, parseIpv6, seconds } from "../../../src/base/index.ts";
import { PolicyBook } from "../../../src/bgp/policy/index.ts";
import { createNetTransport, startSpeaker } from "../../../src/bgp/speaker/index.ts";
import { systemClock } from "../../../src/host/clock.ts";
import { systemRandom } from "../../../src/host/random.ts";
import { createRib, type RouteFamily, type Tenant } from "../../../src/rib/index.ts";
import { createMetrics } from "../../../src/telemetry/index.ts";
import { ListLog } from "../../sim/tally-metrics.ts";
import { watchTurns } from "./turns.ts";

const LOCAL_AS = 65000;
const MAX_ROUTES = 1 << 23;
const FAMILIES: readonly string[] = ["ipv6-unicast", "capability"];
/** Neighbours of the role `idle` hear from us this often at least. */
const HOLD_TIMES: Readonly<Record<string, number>> = { idle: 9 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { family: { type: "string", default: "ipv6-unicast" }, turns: { type: "boolean", default: false } },
});
if (!FAMILIES.includes(values.family)) throw new RangeError(`--family is one of ${FAMILIES.join(", ")}`);
const family = values.family as RouteFamily;
const [listen = "::1", ...neighbours] = positionals;

/** With policy on: every set goes through a chain of statements. */
const book = new PolicyBook(
  [
    { name: "everything", statements: [{ name: "all", conditions: {}, actions: {}, result: "accept" }] },
    { name: "nothing", statements: [{ name: "none", conditions: {}, actions: {}, result: "reject" }] },
  ],
  { localAs: LOCAL_AS },
);
const everything = book.chain(["everything"]);
const nothing = book.chain(["nothing"]);

/** The routes of the capability family are for it, so that they are eligible and chosen among. */
const TARGET = fromHex("0002fde800000001");
const tenant: Tenant = {
  name: "tenant",
  index: 1,
  routeDistinguisher: fromHex("0000fde800000001"),
  importTargets: [TARGET],
  exportTargets: [TARGET],
};
const log = new ListLog();
const metrics = createMetrics();
const nextHop = parseIpv6("2001:db8:ffff::1")!;
const bgpIdentifier = 0x0a630001;
const local = { name: "device", kind: "local", bgpIdentifier, address: nextHop, autonomousSystem: LOCAL_AS } as const;
const turns = values.turns ? watchTurns(systemClock) : undefined;
const clock = turns?.clock ?? systemClock;
const parts = { clock, random: systemRandom, log, metrics };
const rib = createRib(
  {
    local,
    tenants: family === "capability" ? [tenant] : [],
    maxRoutes: family === "capability" ? MAX_ROUTES : 1024,
    maxUnicastRoutes: MAX_ROUTES,
    maxAttributeSets: 1 << 21,
  },
  parts,
);
const transport = createNetTransport({ clock });
const speaker = await startSpeaker(
  {
    localAs: LOCAL_AS,
    bgpIdentifier,
    nextHop,
    listen: [{ address: listen, port: 179 }],
    peers: neighbours.map((text) => {
      const [address = "", remoteAs, role = "sink"] = text.split(",");
      return {
        address,
        remoteAs: Number(remoteAs),
        port: 179,
        passive: true,
        holdTime: seconds(HOLD_TIMES[role] ?? 240),
        connectRetry: seconds(60),
        families: [{ family }],
        importPolicy: everything,
        exportPolicy: role === "sink" ? everything : nothing,
      };
    }),
    gracefulRestart: undefined,
    start: { restarted: false, forwardingPreserved: false },
  },
  { ...parts, rib, transport: turns?.transport(transport) ?? transport },
  new AbortController().signal,
);
console.log("ready");
process.once("SIGTERM", () => {
  if (turns !== undefined) console.log(JSON.stringify({ longestTurn: turns.longest }));
  void speaker.stop({ restart: false }).then(() => process.exit(0));
});
