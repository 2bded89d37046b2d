/**
 * A router with nothing but BGP, for load generators: `node device.ts LISTEN ADDRESS,AS,ROLE ...`.
 *
 * Everybody is an external neighbour that connects; what comes from a `sender` goes to every `sink`, and nothing goes to a
 * sender. Says "ready" when it listens, and runs until SIGTERM.
 */
import process from "node:process";
import { parseIpv6, seconds } from "../../../src/base/index.ts";
import { PolicyBook } from "../../../src/bgp/policy/index.ts";
import { createNetTransport, startSpeaker } from "../../../src/bgp/speaker/index.ts";
import { systemClock } from "../../../src/host/clock.ts";
import { systemRandom } from "../../../src/host/random.ts";
import { createRib } from "../../../src/rib/index.ts";
import { createMetrics } from "../../../src/telemetry/index.ts";
import { ListLog } from "../../sim/tally-metrics.ts";

const LOCAL_AS = 65000;
const MAX_ROUTES = 1 << 23;
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

const [listen = "::1", ...neighbours] = process.argv.slice(2);
const log = new ListLog();
const metrics = createMetrics();
const nextHop = parseIpv6("2001:db8:ffff::1")!;
const bgpIdentifier = 0x0a630001;
const local = { name: "device", kind: "local", bgpIdentifier, address: nextHop, autonomousSystem: LOCAL_AS } as const;
const parts = { clock: systemClock, random: systemRandom, log, metrics };
const rib = createRib(
  { local, tenants: [], maxRoutes: 1024, maxUnicastRoutes: MAX_ROUTES, maxAttributeSets: 1 << 20 },
  parts,
);
const speaker = await startSpeaker(
  {
    localAs: LOCAL_AS,
    bgpIdentifier,
    nextHop,
    listen: [{ address: listen, port: 179 }],
    peers: neighbours.map((text) => {
      const [address = "", remoteAs, role] = text.split(",");
      return {
        address,
        remoteAs: Number(remoteAs),
        port: 179,
        passive: true,
        holdTime: seconds(240),
        connectRetry: seconds(60),
        families: [{ family: "ipv6-unicast" }],
        importPolicy: everything,
        exportPolicy: role === "sender" ? nothing : everything,
      };
    }),
    gracefulRestart: undefined,
    start: { restarted: false, forwardingPreserved: false },
  },
  { ...parts, rib, transport: createNetTransport({ clock: systemClock }) },
  new AbortController().signal,
);
console.log("ready");
process.once("SIGTERM", () => {
  if (process.env.SEMRD_BENCH_STATUS) console.log(JSON.stringify(speaker.peers()));
  void speaker.stop({ restart: false }).then(() => process.exit(0));
});
