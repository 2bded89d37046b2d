import { type Clock, type Milliseconds, milliseconds, type Timer } from "../base/index.ts";
import type { Stage } from "./group-content.ts";
import type { GroupIndex, NextHopIndex } from "./plan.ts";

/**
 * For so long after a transition's hold, flows that the data plane remembers stay where they are: as long as a translator has
 * to remember an idle connection.
 * @see RFC 5382 REQ-5
 */
export const FLOW_MEMORY = milliseconds(7_440_000);

/** Longest run of stages that end at the same time before other work of the process gets its turn. */
const SLICE_MS = 2;

const NOBODY: ReadonlySet<NextHopIndex> = new Set();

export interface GroupStagesParts {
  readonly transitionHold: Milliseconds;
  readonly clock: Clock;
  /** The next stage of a group begins. */
  readonly passOn: (group: GroupIndex, stage: Stage) => void;
}

/** How far the transitions of groups have come, and when they go on. Most groups are in none. */
export class GroupStages {
  readonly #parts: GroupStagesParts;
  /** When the stage ends, on the monotonic clock; those that end first come first. */
  readonly #holding = new Map<GroupIndex, number>();
  readonly #fading = new Map<GroupIndex, number>();
  /** Draining next hops: their flows stay with them when the transition of the others ends. */
  readonly #lasting = new Map<GroupIndex, ReadonlySet<NextHopIndex>>();
  #timer: Timer | undefined;
  #timerFor = Number.POSITIVE_INFINITY;
  /** The timer is armed when all that end now have ended. */
  #isEnding = false;

  constructor(parts: GroupStagesParts) {
    this.#parts = parts;
  }

  lasting(group: GroupIndex): ReadonlySet<NextHopIndex> {
    return this.#lasting.get(group) ?? NOBODY;
  }

  setLasting(group: GroupIndex, lasting: ReadonlySet<NextHopIndex>): void {
    if (lasting.size === 0) this.#lasting.delete(group);
    else this.#lasting.set(group, lasting);
  }

  /** Those, too. */
  keep(group: GroupIndex, lasting: ReadonlySet<NextHopIndex>): void {
    if (lasting.size > 0) this.#lasting.set(group, this.lasting(group).union(lasting));
  }

  of(group: GroupIndex): Stage {
    if (this.#holding.has(group)) return "holding";
    return this.#fading.has(group) ? "fading" : "settled";
  }

  /** From now on, also when it is in that stage already. */
  enter(group: GroupIndex, stage: Stage): void {
    const was = this.#leave(group);
    if (stage === "settled" && !was) return;
    if (stage !== "settled") {
      const { clock, transitionHold } = this.#parts;
      const [lasts, waiting] = stage === "holding" ? [transitionHold, this.#holding] : [FLOW_MEMORY, this.#fading];
      waiting.set(group, clock.monotonic() + lasts);
    }
    this.#arm();
  }

  /** The group is gone. */
  forget(group: GroupIndex): void {
    this.#leave(group);
    this.#lasting.delete(group);
  }

  #leave(group: GroupIndex): boolean {
    const held = this.#holding.size > 0 && this.#holding.delete(group);
    return (this.#fading.size > 0 && this.#fading.delete(group)) || held;
  }

  #arm(): void {
    if (this.#isEnding) return;
    const next = Math.min(firstOf(this.#holding), firstOf(this.#fading));
    if (next === this.#timerFor) return;
    this.#timer?.cancel();
    this.#timerFor = next;
    if (next === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#parts;
    this.#timer = clock.after(milliseconds(Math.max(0, next - clock.monotonic())), () => this.#endStages());
  }

  /** Many may end at the same time, as when a site had a part in all of them. */
  #endStages(): void {
    const { clock, passOn } = this.#parts;
    this.#timerFor = Number.POSITIVE_INFINITY;
    this.#isEnding = true;
    const now = clock.monotonic();
    for (const [waiting, next] of [
      [this.#fading, "settled"],
      [this.#holding, "fading"],
    ] as const) {
      for (const [group, until] of waiting) {
        if (until > now || clock.monotonic() > now + SLICE_MS) break;
        this.enter(group, next);
        passOn(group, next);
      }
    }
    this.#isEnding = false;
    this.#arm();
  }

  close(): void {
    this.#timer?.cancel();
  }
}

function firstOf(waiting: ReadonlyMap<GroupIndex, number>): number {
  for (const until of waiting.values()) return until;
  return Number.POSITIVE_INFINITY;
}
