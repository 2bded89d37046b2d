import { type Clock, type Log, type Metrics, milliseconds, type Timer } from "../../base/index.ts";
import { type Directory, type Instance, instanceState } from "../../directory/index.ts";
import { type JudgeOptions, OutcomeJudge, type Outcomes } from "./outcome-judge.ts";

export type { Outcomes } from "./outcome-judge.ts";
export type PassiveHealthOptions = JudgeOptions;

export interface PassiveHealthParts {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** What the data plane counted of each instance, from its start on. */
  outcomes(): IterableIterator<readonly [instance: string, outcomes: Outcomes]>;
}

/** Passive health, until disposed. */
export interface PassiveHealth extends Disposable {
  /** `undefined`: nobody is judged from now on, and those who are out come in. */
  follow(options: PassiveHealthOptions | undefined): void;
}

const LOOK_EACH = milliseconds(500);
/** Of one turn of the event loop. */
const SLICE = milliseconds(4);

/**
 * Looks twice a second at how instances answered what began with them, and takes out of service who only fails. Instances
 * with a health check are the check's to judge, and the last usable one of a capability stays, since nobody is better.
 */
export function startPassiveHealth(parts: PassiveHealthParts): PassiveHealth {
  return new Watcher(parts);
}

class Watcher implements PassiveHealth {
  readonly #parts: PassiveHealthParts;
  readonly #ejections: { add(): void };
  #judge: OutcomeJudge | undefined;
  #out = new Set<string>();
  #timer: Timer | undefined;

  constructor(parts: PassiveHealthParts) {
    this.#parts = parts;
    this.#ejections = parts.metrics.counter(
      "semrd_passive_ejections_total",
      "Times that an instance was taken out of service for how it answered",
    );
  }

  follow(options: PassiveHealthOptions | undefined): void {
    if (options === undefined) {
      this.#timer?.cancel();
      this.#timer = undefined;
      this.#judge = undefined;
      for (const id of this.#out) this.#parts.directory.setHealth(id, "unknown");
      this.#out.clear();
      return;
    }
    if (this.#judge !== undefined) {
      this.#judge.options = options;
      return;
    }
    this.#judge = new OutcomeJudge(options);
    this.#arm();
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#judge = undefined;
  }

  #arm(): void {
    this.#timer = this.#parts.clock.after(LOOK_EACH, () => this.#look(this.#parts.outcomes(), new Set()));
  }

  /** In slices; the next look begins its time when this one has ended. */
  #look(left: IterableIterator<readonly [string, Outcomes]>, seen: Set<string>): void {
    const { clock } = this.#parts;
    const judge = this.#judge;
    if (judge === undefined) return;
    const until = clock.monotonic() + SLICE;
    for (let next = left.next(); next.done !== true; next = left.next()) {
      const [id, outcomes] = next.value;
      seen.add(id);
      this.#judgeOne(judge, id, outcomes);
      if (clock.monotonic() < until) continue;
      clock.soon(() => this.#look(left, seen));
      return;
    }
    judge.keep(seen);
    for (const id of this.#out) if (!seen.has(id)) this.#out.delete(id);
    this.#arm();
  }

  #judgeOne(judge: OutcomeJudge, id: string, outcomes: Outcomes): void {
    const { directory, clock, log } = this.#parts;
    const instance = directory.instance(id);
    if (instance === undefined || instance.check !== undefined) return;
    const how = { answers: instance.endpoint.protocol === "tcp", mayGo: () => !this.#isLast(instance) };
    const judgement = judge.judge(id, outcomes, how, clock.monotonic());
    if (judgement?.type === "out") {
      this.#out.add(id);
      this.#ejections.add();
      const { reason, rest } = judgement;
      log.warn("health.passive.out", { instance: id, agent: instance.agent, reason, seconds: rest / 1000 });
      directory.setHealth(id, "down", `${reason}; tried again after ${rest / 1000} s`);
    }
    if (judgement?.type === "in") {
      this.#out.delete(id);
      log.info("health.passive.in", { instance: id, agent: instance.agent });
      directory.setHealth(id, "unknown");
    }
  }

  #isLast({ tenant, capability, version, id }: Instance): boolean {
    const site = { tenant, capability, majorVersion: version.major };
    return !this.#parts.directory.instancesFor(site).some((other) => other.id !== id && instanceState(other) === "up");
  }
}
