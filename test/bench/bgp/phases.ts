/**
 * How long the turns of the event loop are in whatever a router goes through with a large table:
 * `node --max-semi-space-size=2 --initial-old-space-size=64 test/bench/bgp/phases.ts [--routes N] [--family F]`. One sender, two
 * neighbours that are told everything, in this process; connections are simulated, time and the event loop are not. Nothing is
 * asserted.
 */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { fromHex, parseIpv6, seconds } from "../../../src/base/index.ts";
import { PolicyBook, type PolicyStatement } from "../../../src/bgp/policy/index.ts";
import { ownOpen } from "../../../src/bgp/session/index.ts";
import {
  type Connection,
  type ConnectionHandlers,
  type PeerOptions,
  startSpeaker,
  type Transport,
} from "../../../src/bgp/speaker/index.ts";
import { encodeEndOfRib, encodeKeepalive, encodeOpen } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/clock.ts";
import { systemRandom } from "../../../src/host/random.ts";
import { createRib } from "../../../src/rib/index.ts";
import { createMetrics } from "../../../src/telemetry/index.ts";
import { interval } from "../../bgp/policy/world.ts";
import { settingsSample } from "../../bgp/session/samples.ts";
import { ListLog } from "../../sim/tally-metrics.ts";
import { RouteStream, type StreamFamily } from "./stream.ts";
import { watchTurns } from "./turns.ts";

const { values } = parseArgs({
  options: {
    routes: { type: "string", default: "250000" },
    family: { type: "string", default: "ipv6-unicast" },
  },
});
const family = values.family as StreamFamily;
const routes = Number(values.routes);
const LOCAL_AS = 65000;
const OWN = "fd5e:b6f::1";
const SENDER = { address: "fd5e:b6f::100", as: 4_200_000_100 };
const SINKS = [
  { address: "fd5e:b6f::200", as: 4_200_000_900 },
  { address: "fd5e:b6f::201", as: 4_200_000_901 },
];
/** What a connection delivers at a time. */
const PIECE = 64 * 1024;
/** So long hardly anything has happened: this share of a processor. */
const QUIET_MS = 100;
const QUIET_SHARE = 0.05;
/** A neighbour whose session was ended is refused for a second. */
const CONNECT_MS = 5000;

const stream = new RouteStream(family, routes, { as: SENDER.as, nextHop: parseIpv6(SENDER.address)! });
const turns = watchTurns(systemClock);
const { clock } = turns;
let writtenOctets = 0;

/** The far end says what it is told to, and reads everything at once. */
class FarEnd implements Connection {
  readonly local = { address: OWN, port: 179 };
  readonly remote;
  readonly queued = 0;
  #handlers: ConnectionHandlers | undefined;
  #pieces: Uint8Array[] = [];
  #paused = false;
  #scheduled = false;

  constructor(address: string) {
    this.remote = { address, port: 40_000 };
  }

  protect(): void {}
  limitHops(): void {}

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    this.#later();
  }

  write(octets: Uint8Array): void {
    writtenOctets += octets.length;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#later();
  }

  async close(): Promise<void> {
    this.#handlers = undefined;
    this.#pieces = [];
  }

  say(...messages: readonly Uint8Array[]): void {
    for (const message of messages) {
      for (let at = 0; at < message.length; at += PIECE) this.#pieces.push(message.slice(at, at + PIECE));
    }
    this.#later();
  }

  break(): void {
    this.#pieces = [];
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.closed("ECONNRESET");
  }

  #later(): void {
    if (this.#scheduled || this.#handlers === undefined) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#paused) return;
      const piece = this.#pieces.shift();
      if (piece === undefined) return;
      this.#handlers?.data(piece);
      this.#later();
    });
  }
}

let accept: (connection: Connection) => void = () => {};
const transport: Transport = {
  connect: () => ({ cancel: () => {} }),
  listen: async (local, _guards, taken) => {
    accept = taken;
    return { local, guard: () => {}, protects: () => true, [Symbol.asyncDispose]: async () => {} };
  },
};

const all: PolicyStatement = { name: "all", conditions: {}, actions: {}, result: "accept" };
/** A quarter of the paths is shorter. */
const longer: PolicyStatement = {
  ...{ name: "longer", conditions: { asPathLength: interval(3, 100) } },
  ...{ actions: { multiExitDisc: 5 }, result: "accept" },
};
const policies = [
  { name: "everything", statements: [all] },
  { name: "changed", statements: [longer] },
  { name: "nothing", statements: [{ ...all, name: "none", result: "reject" as const }] },
];
const book = new PolicyBook(policies, { localAs: LOCAL_AS });

const TARGET = fromHex("0002fde800000001");
const nextHop = parseIpv6("2001:db8:ffff::1")!;
const bgpIdentifier = 0x0a630001;
const parts = { clock, random: systemRandom, log: new ListLog(), metrics: createMetrics() };
const isCapability = family === "capability";
const MAX_ROUTES = 1 << 22;
const rib = createRib(
  {
    local: { name: "device", kind: "local", bgpIdentifier, address: nextHop, autonomousSystem: LOCAL_AS },
    tenants: isCapability
      ? [
          {
            ...{ name: "tenant", index: 1, routeDistinguisher: fromHex("0000fde800000001") },
            ...{ importTargets: [TARGET], exportTargets: [TARGET] },
          },
        ]
      : [],
    maxRoutes: isCapability ? MAX_ROUTES : 1024,
    maxUnicastRoutes: MAX_ROUTES,
    maxAttributeSets: 1 << 21,
  },
  parts,
);

function peer({ address, as }: typeof SENDER, changes: Partial<PeerOptions> = {}): PeerOptions {
  return {
    ...{ address, remoteAs: as, port: 179, passive: true, holdTime: seconds(240), connectRetry: seconds(60) },
    families: [{ family }],
    importPolicy: book.chain(["everything"]),
    exportPolicy: book.chain([address === SENDER.address ? "nothing" : "everything"]),
    ...changes,
  };
}

const speaker = await startSpeaker(
  {
    ...{ localAs: LOCAL_AS, bgpIdentifier, nextHop, listen: [{ address: OWN, port: 179 }] },
    peers: [peer(SENDER, { softReconfiguration: true }), ...SINKS.map((sink) => peer(sink))],
    gracefulRestart: { restartTime: seconds(120), stalePathTime: seconds(300), selectionDeferralTime: seconds(120) },
    start: { restarted: false, forwardingPreserved: true },
  },
  { ...parts, rib, transport: turns.transport(transport) },
  new AbortController().signal,
);
speaker.localStateConverged();

function connect({ address, as }: typeof SENDER, restarting = false): FarEnd {
  const end = new FarEnd(address);
  const families = [stream.family];
  const gracefulRestart = {
    ...{ restartTime: seconds(120), restarting, forwardingPreserved: true, keepOverNotification: false },
  };
  const settings = { localAs: as, bgpIdentifier: 0x0a000000 + (as & 0xffff), families, restartFamilies: families };
  end.say(encodeOpen(ownOpen(settingsSample({ ...settings, gracefulRestart }))), encodeKeepalive());
  accept(end);
  return end;
}

async function connected(who: typeof SENDER, restarting = false): Promise<FarEnd> {
  for (const until = performance.now() + CONNECT_MS; performance.now() < until; ) {
    const end = connect(who, restarting);
    await sleep(QUIET_MS);
    if (speaker.peer(who.address)?.state === "Established") return end;
  }
  throw new Error(`${who.address} is refused`);
}

async function quiet(): Promise<void> {
  for (;;) {
    const before = process.threadCpuUsage();
    const octets = writtenOctets;
    await sleep(QUIET_MS);
    const { user, system } = process.threadCpuUsage(before);
    if (octets === writtenOctets && (user + system) / 1000 < QUIET_SHARE * QUIET_MS) return;
  }
}

const established = (): number => speaker.peers().filter(({ state }) => state === "Established").length;
const endOfRib = encodeEndOfRib(stream.family);
console.log(`${routes} routes, ${family}: processor milliseconds of the longest turn, and routes afterwards`);
async function phase(name: string, prepare: () => () => void): Promise<void> {
  const go = prepare();
  await quiet();
  turns.take();
  go();
  await quiet();
  const { longest, collecting, own } = turns.take();
  const held = isCapability ? rib.capability.routes : rib.unicast("ipv6-unicast").routes;
  const note = collecting > 0.5 ? `, ${collecting.toFixed(1)} of it garbage collection` : "";
  console.log(
    `${name.padEnd(44)} ${own.toFixed(1).padStart(6)}   ${longest.toFixed(1)}${note}; ${held}, ${established()} up`,
  );
}

let sender = connect(SENDER);
connect(SINKS[0]!);
await quiet();
await phase("load", () => {
  const messages = stream.announcements(0);
  return () => sender.say(...messages, endOfRib);
});
await phase("dump to a late peer", () => () => void connect(SINKS[1]!));
await phase("another export policy", () => () => {
  for (const sink of SINKS) speaker.changePeer(peer(sink, { exportPolicy: book.chain(["changed"]) }));
});
await phase("another import policy, of kept routes", () => () => {
  const changes = { softReconfiguration: true, importPolicy: book.chain(["changed"]) };
  speaker.changePeer(peer(SENDER, changes));
});
await phase("clear soft out", () => () => {
  for (const { address } of SINKS) speaker.clearSoft(address, "out");
});
await phase("clear soft in", () => () => void speaker.clearSoft(SENDER.address, "in"));
await phase("session lost, routes kept as stale", () => () => sender.break());
sender = await connected(SENDER, true);
await phase("half of them again, the others swept", () => {
  const messages = stream.announcements(0, 0.5);
  return () => sender.say(...messages, endOfRib);
});
await phase("the other half again, changed", () => {
  const messages = stream.announcements(1);
  return () => sender.say(...messages);
});
await phase("session ended, all routes lost", () => () => void speaker.clear(SENDER.address));
sender = await connected(SENDER);
await phase("load again", () => {
  const messages = stream.announcements(2);
  return () => sender.say(...messages, endOfRib);
});
await phase("withdraw", () => {
  const messages = stream.withdrawals();
  return () => sender.say(...messages);
});
process.exit(0);
