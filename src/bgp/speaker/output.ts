import { type Clock, milliseconds, type Random, type Seconds, type Timer, toMilliseconds } from "../../base/index.ts";
import type { AttributeId } from "../../rib/index.ts";
import { UpdateEncoder } from "../wire/index.ts";
import type { AddPathDirections } from "./add-path.ts";
import { AdjRibOut, type AdjRibOutParts } from "./adj-rib-out.ts";
import type { ExportGroup } from "./export-group.ts";
import { ExportRecheck } from "./export-recheck.ts";
import { ExportVisitor, type ExportVisitorParts } from "./export-visitor.ts";
import { SharedTurns } from "./shared-turns.ts";
import type { Connection } from "./transport.ts";

/** Nothing more is encoded while the socket holds this much. */
const HIGH_WATER = 1024 * 1024;
const NETS_AT_ONCE = 1024;
/** Before anything was said: a neighbour that has just come is not kept waiting. Twice as many each time: V8 has compiled little then. */
const NETS_AT_FIRST = 64;

export interface OutputParts extends AdjRibOutParts, ExportVisitorParts {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly random: Random;
  /** Sends a mark of a route refresh, where they were agreed on. @see RFC 7313 */
  readonly refreshMark: ((mark: "begin" | "end") => void) | undefined;
  /** Whether End-of-RIB may be said now. */
  readonly mayEndRib: () => boolean;
  /** So many messages were handed to the socket. */
  readonly sent: (messages: number) => void;
  /** Shown the same messages, one behind the other; borrowed. Absent: nobody watches. */
  readonly watch?: ((messages: Uint8Array) => void) | undefined;
}

/**
 * Tells one neighbour what changed, in turns of a few milliseconds, and only while its socket takes it: a slow neighbour
 * costs no memory, what changes twice meanwhile is sent once.
 */
export class Output implements Disposable {
  readonly #parts: OutputParts;
  readonly #encoder: UpdateEncoder;
  readonly #visitor: ExportVisitor;
  /** Least time from the end of one round of UPDATEs to the next. @see RFC 4271 §9.2.1.1 */
  interval: Seconds | undefined;
  #messagesOfRound = 0;
  #pause: Timer | undefined;
  /** Made when somebody asks. */
  #told: AdjRibOut | undefined;
  #recheck: Pick<ExportRecheck, "run"> | undefined;
  readonly #turns: SharedTurns;
  #scheduled = false;
  readonly #job = (): void => {
    this.#scheduled = false;
    if (!this.#closed) this.#pump();
  };
  #closed = false;
  #hasBegun = false;
  #netsAtOnce = NETS_AT_FIRST;
  #endOfRibSent = false;
  /** The neighbour asked for everything, once or often, since the last beginning. */
  #refreshAsked = false;
  /** It was told where everything begins, and not yet where it ends. */
  #refreshRuns = false;

  constructor(parts: OutputParts) {
    this.#parts = parts;
    this.#turns = SharedTurns.of(parts.clock);
    this.#encoder = new UpdateEncoder(parts.family, { maximum: parts.messageLimit, pathIds: parts.addPath.send });
    this.#visitor = new ExportVisitor(parts, this.#encoder);
    // It is a later turn already.
    parts.output.onPending = () => {
      if (this.#scheduled || this.#closed || this.#pause !== undefined) return;
      this.#scheduled = true;
      this.#turns.now(this.#job);
    };
    this.poke();
  }

  /** Called when the session is over. */
  onClose: (() => void) | undefined;

  get endOfRibSent(): boolean {
    return this.#endOfRibSent;
  }

  get pending(): number {
    return this.#parts.output.pending;
  }

  get advertised(): number {
    return this.#parts.output.advertised;
  }

  get addPath(): AddPathDirections {
    return this.#parts.addPath;
  }

  /** What the neighbour has been told, to be read. */
  get told(): AdjRibOut {
    this.#told ??= new AdjRibOut(this.#parts, () => this.#visitor.group);
    return this.#told;
  }

  /** Sends everything again, as what may pass has changed or the neighbour asked for it. @see RFC 2918 §4 */
  replay(): void {
    this.#parts.output.replay();
    this.poke();
  }

  /** The neighbour asks for everything. @see RFC 2918 §4; RFC 7313 §4.1 */
  answerRefresh(): void {
    if (this.#parts.refreshMark === undefined) {
      this.replay();
      return;
    }
    this.#refreshAsked = true;
    this.poke();
  }

  /** What this neighbour is told is judged by another group: what differs is sent, once that was found out over many turns. */
  regroup(group: ExportGroup): void {
    const before = this.#visitor.group;
    if (group === before) return;
    this.#visitor.group = group;
    if (this.#recheck !== undefined) {
      // What was told is a mixture of two groups by now.
      this.#recheck = undefined;
      this.replay();
      return;
    }
    this.#recheck = new ExportRecheck({ ...this.#parts, before }, group);
    this.poke();
  }

  /** What the neighbour wants of the sets that this concerns is another thing now. */
  reconsider(concerns: (id: AttributeId) => boolean): void {
    if (this.#closed) return;
    if (this.#recheck !== undefined) {
      this.#recheck = undefined;
      this.replay();
      return;
    }
    const { output } = this.#parts;
    this.#recheck = {
      run(inTime) {
        do {
          if (output.recheck(concerns, NETS_AT_ONCE)) return true;
        } while (inTime());
        return false;
      },
    };
    this.poke();
  }

  /** There may be something to do: routes, room in the socket, End-of-RIB. */
  poke(): void {
    if (this.#scheduled || this.#closed || this.#pause !== undefined) return;
    this.#scheduled = true;
    this.#turns.later(this.#job);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.onClose?.();
    this.#pause?.cancel();
    this.#parts.output.onPending = undefined;
    this.#parts.output[Symbol.dispose]();
  }

  #pump(): void {
    const { output, connection } = this.#parts;
    const inTime = (): boolean => this.#turns.inTime;
    if (this.#recheck !== undefined) {
      if (!this.#recheck.run(inTime)) {
        this.poke();
        return;
      }
      this.#recheck = undefined;
    }
    // Not before End-of-RIB, and one after the other: who asks often and reads nothing has one answer waiting. @see RFC 7313 §4.1
    if (this.#refreshAsked && !this.#refreshRuns && this.#endOfRibSent) {
      this.#parts.refreshMark?.("begin");
      this.#refreshAsked = false;
      this.#refreshRuns = true;
      output.replay();
    }
    while (output.pending > 0) {
      if (connection.queued >= HIGH_WATER) return; // `drained` pokes
      const hasTime = this.#fillBlock(inTime);
      this.#flush();
      if (!hasTime) {
        this.poke();
        return;
      }
    }
    if (!this.#endOfRibSent && this.#parts.mayEndRib()) {
      this.#encoder.endOfRib();
      this.#flush();
      this.#endOfRibSent = true;
      if (this.#refreshAsked) this.poke();
    }
    if (this.#refreshRuns) {
      if (connection.queued >= HIGH_WATER) return;
      this.#parts.refreshMark?.("end");
      this.#refreshRuns = false;
      if (this.#refreshAsked) this.poke();
    }
    this.#roundIsOver();
  }

  /** Until it is full, there is nothing more to say, or time is up: false then. What is said first goes out at once. */
  #fillBlock(inTime: () => boolean): boolean {
    const { output } = this.#parts;
    this.#visitor.begin();
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    do {
      output.drain(this.#visitor, this.#netsAtOnce);
      this.#netsAtOnce = Math.min(NETS_AT_ONCE, 2 * this.#netsAtOnce);
    } while (!isFirst && !this.#visitor.blockIsFull && output.pending > 0 && inTime());
    return inTime();
  }

  /** What changes from now on waits for the next round, all of it: the last state of a route is told once. */
  #roundIsOver(): void {
    const { clock, random } = this.#parts;
    const wasQuiet = this.#messagesOfRound === 0;
    this.#messagesOfRound = 0;
    if (wasQuiet || this.interval === undefined) return;
    const delay = milliseconds(toMilliseconds(this.interval) * (1 - random.next() / 4));
    this.#pause = clock.after(delay, () => {
      this.#pause = undefined;
      this.poke();
    });
  }

  #flush(): void {
    const { connection, sent } = this.#parts;
    // The kernel has copied the octets at once where nothing waits.
    const isIdle = connection.queued === 0;
    const block = isIdle ? this.#encoder.lend() : this.#encoder.take();
    if (block === undefined) return;
    this.#parts.watch?.(block);
    connection.write(block);
    if (isIdle && connection.queued > 0) this.#encoder.keep();
    sent(this.#encoder.messages);
    this.#messagesOfRound += this.#encoder.messages;
    this.#encoder.messages = 0;
  }
}
