import {
  type Clock,
  type Log,
  type LogFields,
  type Metrics,
  parseIpv4,
  parseIpv6,
  seconds,
  toHex,
} from "../../../src/base/index.ts";
import {
  type PeerOptions,
  type PeerStatus,
  type Speaker,
  type SpeakerObserver,
  type SpeakerOptions,
  startSpeaker,
  type Transport,
} from "../../../src/bgp/speaker/index.ts";
import { decodeCapability, routeTarget } from "../../../src/bgp/wire/index.ts";
import { type AttributeSet, createRib, type Rib, type RibOptions, type RouteRow } from "../../../src/rib/index.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { keySample, semanticSample, setSample } from "../wire/samples.ts";

/** Counts, readable by name and labels. */
export class RecordedMetrics implements Metrics {
  readonly values = new Map<string, number>();

  counter(name: string, _help: string, labels: Readonly<Record<string, string>> = {}): { add(value?: number): void } {
    const key = keyOf(name, labels);
    return { add: (value = 1) => void this.values.set(key, (this.values.get(key) ?? 0) + value) };
  }

  gauge(name: string, _help: string, labels: Readonly<Record<string, string>> = {}): { set(value: number): void } {
    return { set: (value) => void this.values.set(keyOf(name, labels), value) };
  }

  histogram(): { observe(): void } {
    return { observe: () => {} };
  }

  /** Sum over everything with this name and these labels. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    let sum = 0;
    for (const [key, value] of this.values) {
      const [of, ...given] = key.split("|");
      if (of === name && Object.entries(labels).every(([label, text]) => given.includes(`${label}=${text}`)))
        sum += value;
    }
    return sum;
  }
}

const keyOf = (name: string, labels: Readonly<Record<string, string>>): string =>
  [name, ...Object.entries(labels).map(([label, text]) => `${label}=${text}`)].join("|");

export class RecordedLog implements Log {
  readonly lines: { level: string; event: string; fields: LogFields | undefined }[] = [];
  #note(level: string, event: string, fields: LogFields | undefined): void {
    this.lines.push({ level, event, fields });
  }
  error(event: string, fields?: LogFields): void {
    this.#note("error", event, fields);
  }
  warn(event: string, fields?: LogFields): void {
    this.#note("warn", event, fields);
  }
  info(event: string, fields?: LogFields): void {
    this.#note("info", event, fields);
  }
  debug(event: string, fields?: LogFields): void {
    this.#note("debug", event, fields);
  }
  has(event: string): boolean {
    return this.lines.some((line) => line.event === event);
  }
}

export const TARGET = routeTarget(65000, 1);
export const TENANT = {
  name: "acme",
  index: 1,
  routeDistinguisher: parseKey().routeDistinguisher,
  importTargets: [TARGET],
  exportTargets: [TARGET],
};

function parseKey(): NonNullable<ReturnType<typeof decodeCapability>> {
  return decodeCapability(keySample(1))!;
}

export interface RouterOptions {
  readonly address: string;
  readonly identifier: string;
  readonly localAs?: number;
  readonly port?: number;
  readonly peers: readonly (Partial<PeerOptions> & { readonly address: string })[];
  readonly speaker?: Partial<SpeakerOptions>;
  readonly rib?: Partial<RibOptions>;
  readonly maxRoutes?: number;
  readonly observer?: (rib: Rib) => SpeakerObserver;
  readonly looped?: (peer: string, set: AttributeSet) => void;
}

export interface RouterParts {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly seed: number;
}

/** One router: a RIB, a speaker, what it logs and counts. */
export class Router implements AsyncDisposable {
  readonly rib: Rib;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  readonly speaker: Speaker;
  readonly nextHop: Uint8Array;
  readonly originId: number;

  private constructor(rib: Rib, log: RecordedLog, metrics: RecordedMetrics, speaker: Speaker, options: RouterOptions) {
    this.rib = rib;
    this.log = log;
    this.metrics = metrics;
    this.speaker = speaker;
    this.nextHop = nextHopOf(options);
    this.originId = parseIpv4(options.identifier)!;
  }

  static async start(options: RouterOptions, { clock, transport, seed }: RouterParts): Promise<Router> {
    const localAs = options.localAs ?? 65000;
    const bgpIdentifier = parseIpv4(options.identifier)!;
    const log = new RecordedLog();
    const metrics = new RecordedMetrics();
    const random = new SeededRandom(seed);
    const nextHop = nextHopOf(options);
    const local = { name: "local", kind: "local", bgpIdentifier, address: nextHop, autonomousSystem: localAs } as const;
    const rib = createRib(
      { local, tenants: [TENANT], maxRoutes: options.maxRoutes ?? 50_000, maxPeers: 8, ...options.rib },
      { clock, random, metrics, log },
    );
    const port = options.port ?? 179;
    const speakerOptions: SpeakerOptions = {
      localAs,
      bgpIdentifier,
      nextHop,
      listen: [{ address: options.address, port }],
      peers: options.peers.map((peer) => ({
        port: 179,
        remoteAs: localAs,
        passive: false,
        holdTime: seconds(9),
        connectRetry: seconds(2),
        updateSource: options.address,
        ...peer,
      })),
      gracefulRestart: { restartTime: seconds(30), stalePathTime: seconds(60), selectionDeferralTime: seconds(20) },
      start: { restarted: false, forwardingPreserved: false },
      ...options.speaker,
    };
    const observer = options.observer === undefined ? {} : { observer: options.observer(rib) };
    const looped = options.looped === undefined ? {} : { looped: options.looped };
    const parts = { rib, transport, clock, random, log, metrics, ...observer, ...looped };
    try {
      const speaker = await startSpeaker(speakerOptions, parts, new AbortController().signal);
      return new Router(rib, log, metrics, speaker, options);
    } catch (cause) {
      rib[Symbol.dispose]();
      throw cause;
    }
  }

  /** Announces capability number `n` of this router. */
  originate(n: number, changes: Partial<AttributeSet> = {}, semantic: Parameters<typeof semanticSample>[0] = {}): void {
    const { localPref: _, ...set } = setSample({
      nextHop: this.nextHop,
      extendedCommunities: [TARGET],
      semantic: semanticSample(semantic),
      ...changes,
    });
    this.speaker.originate(decodeCapability(keySample(n, this.originId))!, set);
  }

  withdraw(n: number): void {
    this.speaker.withdraw(decodeCapability(keySample(n, this.originId))!);
  }

  /** Status of the only neighbour, or of the one with this address. */
  peer(address?: string): PeerStatus {
    return (address === undefined ? this.speaker.peers()[0] : this.speaker.peer(address))!;
  }

  rows(): RouteRow[] {
    return [...this.rib.capability.routesOf({})];
  }

  /** Numbers of the capabilities known from `origin`, in order; stale ones marked. */
  known(origin: Router): string[] {
    return this.rows()
      .filter(({ originId }) => originId === origin.originId)
      .map(({ key, stale }) => `${Number.parseInt(toHex(key.subarray(22, 26)), 16)}${stale ? " stale" : ""}`)
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.speaker.stop({ restart: false });
    this.rib[Symbol.dispose]();
  }
}

function nextHopOf(options: RouterOptions): Uint8Array {
  return parseIpv6(`2001:db8:ffff::${options.identifier.split(".").at(-1)}`)!;
}
