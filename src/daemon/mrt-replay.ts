import { createReadStream } from "node:fs";
import { loadNative } from "../../native/index.ts";
import { type Log, milliseconds, octetsEqual, parseIpv4, parseIpv6, Scope, seconds } from "../base/index.ts";
import { type LoadCounts, loadRoutes, type PeerIndexTable } from "../bgp/mrt/index.ts";
import { acceptAll } from "../bgp/policy/index.ts";
import { createNetTransport, type PeerStatus, type Speaker, startSpeaker } from "../bgp/speaker/index.ts";
import { AttributeCodec, DEFAULT_DIALECT } from "../bgp/wire/index.ts";
import { systemClock, systemRandom } from "../host/index.ts";
import { createRib, type RouteFamily } from "../rib/index.ts";
import { createMetrics } from "../telemetry/index.ts";

export interface ReplayOptions {
  readonly file: string;
  /** IPv6 or IPv4 text: where the peer is, and from where it is connected to. */
  readonly to: string;
  readonly port: number;
  readonly source?: string;
  readonly localAs: number;
  readonly peerAs: number;
  /** Dotted quad. */
  readonly routerId: string;
  readonly families: readonly RouteFamily[];
  /** Routes a second. */
  readonly pace?: number;
  readonly limit?: number;
  /** Of the table's neighbours: whose paths are replayed. */
  readonly from?: string;
  readonly maximumRoutes: number;
}

/** Address space for attribute sets; memory is taken as they come. */
const MOST_SETS = 1 << 20;
const HOLD_TIME = seconds(90);

export interface Replay extends AsyncDisposable {
  /** Resolves when the file is read and the peer was told everything, or when its session ended. */
  readonly done: Promise<{ readonly counts: LoadCounts; readonly peer: PeerStatus }>;
}

/**
 * Plays the routes of an MRT file to a peer over a BGP session of its own; the peer keeps them until this is disposed.
 * @throws {SpeakerError} @throws {TransportError}
 */
export async function startReplay(options: ReplayOptions, log: Log, signal: AbortSignal): Promise<Replay> {
  const scope = new Scope(signal);
  try {
    const metrics = createMetrics();
    const shared = { clock: systemClock, log, metrics };
    const source = options.source ?? (options.to.includes(":") ? "::" : "0.0.0.0");
    const bgpIdentifier = parseIpv4(options.routerId)!; // checked with the command line
    const nextHop = addressOf(source);
    const rib = scope.own(
      createRib(
        {
          local: { name: "replay", kind: "local", bgpIdentifier, address: nextHop, autonomousSystem: options.localAs },
          tenants: [],
          maxRoutes: options.families.includes("capability") ? options.maximumRoutes : 1024,
          maxUnicastRoutes: options.maximumRoutes,
          maxAttributeSets: MOST_SETS,
          maxPeers: 1,
        },
        { ...shared, random: systemRandom },
      ),
    );
    const speaker = await startSpeaker(
      {
        localAs: options.localAs,
        bgpIdentifier,
        nextHop,
        listen: [],
        peers: [
          {
            address: options.to,
            port: options.port,
            remoteAs: options.peerAs,
            passive: false,
            holdTime: HOLD_TIME,
            connectRetry: seconds(2),
            families: options.families.map((family) => ({ family })),
            exportPolicy: acceptAll,
            // What the peer says back is of no interest, and takes no room.
            importPolicy: () => ({ verdict: "reject", reason: "replay" }),
            multihop: 255,
            ...(options.source === undefined ? {} : { updateSource: options.source }),
          },
        ],
        gracefulRestart: undefined,
        start: { restarted: false, forwardingPreserved: false },
      },
      {
        ...shared,
        rib,
        random: systemRandom,
        transport: createNetTransport({ clock: systemClock, sock: loadNative().sock }),
      },
      scope.signal,
    );
    scope.defer(() => speaker.stop({ restart: false }));
    const done = run(options, speaker, rib, scope.signal);
    return { done, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

async function run(
  options: ReplayOptions,
  speaker: Speaker,
  rib: ReturnType<typeof createRib>,
  signal: AbortSignal,
): Promise<{ readonly counts: LoadCounts; readonly peer: PeerStatus }> {
  const peer = (): PeerStatus => speaker.peers()[0]!;
  while (peer().state !== "Established" && !signal.aborted) await moment();
  const { from, families, pace, limit } = options;
  const chosen = from === undefined ? {} : { choosePeer: placeOf(from) };
  const counts = await loadRoutes(
    createReadStream(options.file, { highWaterMark: 1 << 18 }),
    { families, ...chosen, ...(pace === undefined ? {} : { pace }), ...(limit === undefined ? {} : { limit }) },
    { rib, codec: new AttributeCodec(DEFAULT_DIALECT), clock: systemClock, signal },
  );
  speaker.localStateConverged();
  const isTold = (): boolean => peer().routesPending === 0 && peer().gracefulRestart.endOfRibSent;
  while (peer().state === "Established" && !isTold() && !signal.aborted) await moment();
  return { counts, peer: peer() };
}

/** @throws {RangeError} when the table knows no such neighbour */
function placeOf(address: string): (table: PeerIndexTable) => number {
  const wanted = addressOf(address);
  return ({ peers }) => {
    const place = peers.findIndex((peer) => octetsEqual(peer.address, wanted));
    if (place < 0) throw new RangeError(`the file has no routes of ${address}`);
    return place;
  };
}

function addressOf(text: string): Uint8Array {
  return parseIpv4(text) === undefined ? parseIpv6(text)! : parseIpv6(`::ffff:${text}`)!;
}

/** Between two looks at the session: nothing depends on how long. */
const LOOK_EVERY = milliseconds(20);
const moment = (): Promise<void> => new Promise((resolve) => void systemClock.after(LOOK_EVERY, resolve));
