import { type Clock, type Milliseconds, milliseconds, type Timer } from "../../base/index.ts";
import type { FlowAmount, FlowReason, FlowRecord, SeenFlow } from "./record.ts";

export interface FlowBookOptions {
  /** A flow that lasts is told of this often. */
  readonly activeTimeout: Milliseconds;
  /** A flow without a packet for so long has ended. */
  readonly idleTimeout: Milliseconds;
  /** Flows that are watched at once; further ones are told when they begin, and not again. */
  readonly most: number;
}

/** How far a flow is now; `undefined`: the data plane does not know it any more. */
export type Progress = () => (FlowAmount & { readonly closed: boolean }) | undefined;

interface Watched {
  readonly flow: SeenFlow;
  readonly progress: Progress;
  /** What the last record ended with. */
  told: FlowAmount;
  toldAt: Milliseconds;
  /** What was seen last, and when that was news. */
  seen: FlowAmount;
  changedAt: Milliseconds;
}

const NOTHING: FlowAmount = { packets: 0, octets: 0n, packetsBack: 0, octetsBack: 0n };
/** Each flow is looked at so often. */
const ROUND = 1000;
/** Flows that one turn looks at: below a millisecond. */
const PER_TURN = 128;

/** Follows the flows that instances behind this router serve until they end, and tells of each in records. */
export class FlowBook implements Disposable {
  readonly #options: FlowBookOptions;
  readonly #clock: Clock;
  readonly #emit: (record: FlowRecord) => void;
  readonly #flows = new Map<string, Watched>();
  #round: MapIterator<[string, Watched]> | undefined;
  /** Between two parts of the round. */
  #pause = milliseconds(ROUND);
  #timer: Timer | undefined;
  #unwatched = 0;

  constructor(options: FlowBookOptions, clock: Clock, emit: (record: FlowRecord) => void) {
    this.#options = options;
    this.#clock = clock;
    this.#emit = emit;
  }

  /** Flows that are watched now. */
  get active(): number {
    return this.#flows.size;
  }

  /** Flows that found no room. */
  get unwatched(): number {
    return this.#unwatched;
  }

  /** Flows that go on, with what they carried so far. */
  *records(): Generator<FlowRecord> {
    const until = this.#clock.wall();
    for (const { flow, seen } of this.#flows.values()) yield { ...flow, ...seen, reason: "active", until };
  }

  refused(flow: SeenFlow): void {
    this.#emit({ ...flow, ...NOTHING, packets: 1, octets: BigInt(flow.length), reason: "refused", until: flow.at });
  }

  /** `key` tells flows apart; `progress` is absent for a flow that another router serves. */
  begun(key: string, flow: SeenFlow, progress: Progress | undefined): void {
    if (progress === undefined || (this.#flows.size >= this.#options.most && !this.#flows.has(key))) {
      if (progress !== undefined) this.#unwatched++;
      this.#emit({ ...flow, ...NOTHING, packets: 1, octets: BigInt(flow.length), reason: "begun", until: flow.at });
      return;
    }
    const before = this.#flows.get(key);
    if (before !== undefined) this.#end(key, before, "forgotten");
    const now = this.#clock.monotonic();
    this.#flows.set(key, { flow, progress, told: NOTHING, toldAt: now, seen: NOTHING, changedAt: now });
    this.#timer ??= this.#clock.after(milliseconds(ROUND), () => this.#look());
  }

  /** Tells of all flows that go on, as they are. */
  flush(): void {
    for (const [key, watched] of this.#flows) {
      this.#see(watched);
      this.#tell(watched, "active");
      this.#flows.delete(key);
    }
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.flush();
  }

  /** A part of a round; rounds begin at least ROUND apart. */
  #look(): void {
    if (this.#round === undefined) {
      this.#round = this.#flows.entries();
      this.#pause = milliseconds(Math.ceil(ROUND / Math.ceil(this.#flows.size / PER_TURN)));
    }
    for (let looked = 0; looked < PER_TURN; looked++) {
      const next = this.#round.next();
      if (next.done === true) {
        this.#round = undefined;
        break;
      }
      this.#lookAt(...next.value);
    }
    this.#timer = undefined;
    if (this.#flows.size === 0) return;
    this.#timer = this.#clock.after(this.#pause, () => this.#look());
  }

  #lookAt(key: string, watched: Watched): void {
    const now = this.#clock.monotonic();
    const found = this.#see(watched);
    if (found === undefined) this.#end(key, watched, "forgotten");
    else if (found.closed) this.#end(key, watched, "closed");
    else if (now - watched.changedAt >= this.#options.idleTimeout) this.#end(key, watched, "idle");
    else if (now - watched.toldAt >= this.#options.activeTimeout) this.#tell(watched, "active");
  }

  #see(watched: Watched): ReturnType<Progress> {
    const found = watched.progress();
    if (found === undefined) return undefined;
    const { seen } = watched;
    if (found.packets !== seen.packets || found.packetsBack !== seen.packetsBack) {
      const { packets, octets, packetsBack, octetsBack } = found;
      watched.seen = { packets, octets, packetsBack, octetsBack };
      watched.changedAt = this.#clock.monotonic();
    }
    return found;
  }

  #end(key: string, watched: Watched, reason: FlowReason): void {
    this.#flows.delete(key);
    this.#tell(watched, reason);
  }

  #tell(watched: Watched, reason: FlowReason): void {
    const { flow, told, seen } = watched;
    watched.told = seen;
    watched.toldAt = this.#clock.monotonic();
    this.#emit({
      ...flow,
      packets: (seen.packets - told.packets) >>> 0,
      octets: seen.octets - told.octets,
      packetsBack: (seen.packetsBack - told.packetsBack) >>> 0,
      octetsBack: seen.octetsBack - told.octetsBack,
      reason,
      until: this.#clock.wall(),
    });
  }
}
