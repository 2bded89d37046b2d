import { type Clock, momentOf } from "../../base/index.ts";
import { ACKNOWLEDGED_AT_ONCE, type Acknowledgement, type PlanHistory, type RefusalOf } from "./plan-history.ts";

export interface Answer {
  /** Number of the last operation that is in effect or refused. */
  readonly through: number;
  readonly refusals: readonly RefusalOf[];
}

export interface AnswersParts {
  readonly clock: Clock;
  readonly history: PlanHistory;
  /** A part of what was said has been taken; or, in one sentence, why the session cannot go on. */
  readonly taken: (news: Acknowledgement | string) => void;
}

/** What an executor acknowledges: perhaps all of a window at once, which is then taken in a part each turn, in order. */
export class Answers {
  readonly #parts: AnswersParts;
  readonly #waiting: Answer[] = [];
  #scheduled = false;
  #closed = false;

  constructor(parts: AnswersParts) {
    this.#parts = parts;
  }

  add(answer: Answer): void {
    const { history } = this.#parts;
    const { sequence } = history.held;
    const before = this.#waiting.at(-1)?.through ?? sequence;
    this.#waiting.push(answer);
    // What cannot be so ends the session, and is judged by what was sent when it was said
    const canBe = answer.through > before && answer.through <= sequence + history.underway;
    if (!canBe) while (this.#waiting.length > 0 && !this.#closed) this.#take(Number.POSITIVE_INFINITY);
    else if (!this.#scheduled) this.#takeSome();
  }

  #takeSome(): void {
    this.#take(ACKNOWLEDGED_AT_ONCE);
    if (this.#waiting.length === 0 || this.#closed) return;
    this.#scheduled = true;
    this.#parts.clock.soon(() => {
      this.#scheduled = false;
      if (!this.#closed && this.#waiting.length > 0) this.#takeSome();
    });
  }

  #take(most: number): void {
    const { history, clock, taken } = this.#parts;
    const { through: last, refusals } = this.#waiting[0]!;
    const through = Math.min(last, history.held.sequence + most);
    const isAll = through === last;
    const now = isAll ? refusals : refusals.filter(({ sequence }) => sequence <= through);
    if (isAll) this.#waiting.shift();
    else if (now.length > 0)
      this.#waiting[0] = { through: last, refusals: refusals.filter(({ sequence }) => sequence > through) };
    taken(history.acknowledge(through, now, momentOf(clock)));
  }

  /** Another plan begins, whose operations are numbered anew: what is still to be taken was about the one before. */
  forget(): void {
    this.#waiting.length = 0;
  }

  /** The session is over: what was not taken counts as not said, and the next one hears it again. */
  close(): void {
    this.#closed = true;
  }
}
