import type { Counter, Gauge, Log, LogFields, Metrics } from "../../base/index.ts";
import type { NextHopIndex, Operation } from "../../forwarding/index.ts";
import type { Feature } from "../features.ts";
import { objectOf } from "./differences.ts";
import { REFUSALS } from "./messages.ts";
import type { RefusalOf } from "./plan-history.ts";

/** Of what differs, one by one. */
const MOST_TOLD = 33;

/** What is told of an executor, in the log and in metrics. */
export class ExecutorLog {
  readonly #executor: string;
  readonly #log: Log;
  readonly #count: {
    readonly connected: Gauge;
    readonly differences: Gauge;
    readonly sessions: Counter;
    readonly handovers: Counter;
    readonly refused: readonly Counter[];
    readonly mistaken: Counter;
  };
  /** Since the executor had all of the plan. */
  #told = 0;

  constructor(executor: string, { log, metrics }: { readonly log: Log; readonly metrics: Metrics }) {
    this.#executor = executor;
    this.#log = log;
    this.#count = {
      connected: metrics.gauge("semrd_fib_service_connected", "1 while there is a session with the executor."),
      differences: metrics.gauge(
        "semrd_fib_service_differences",
        "Parts of the plan that the executor does not have as they should be.",
      ),
      sessions: metrics.counter("semrd_fib_service_sessions_total", "Sessions with the executor."),
      handovers: metrics.counter(
        "semrd_fib_service_handovers_total",
        "How often the executor was given the whole plan.",
      ),
      mistaken: metrics.counter(
        "semrd_fib_service_mistaken_total",
        "Objects that the executor held otherwise than it had acknowledged.",
      ),
      refused: REFUSALS.map((code) =>
        metrics.counter("semrd_fib_service_refused_total", "Operations that the executor refused.", { code }),
      ),
    };
  }

  begun(product: string, cannot: ReadonlyMap<Feature, string>): void {
    this.#count.sessions.add();
    this.#count.connected.set(1);
    this.#log.info("dataplane.executor.connected", {
      ...{ executor: this.#executor, product, cannot: [...cannot.keys()] },
    });
  }

  /** Said once for each reason, not for each attempt. */
  ended(reason: string, { again }: { readonly again: boolean }): void {
    this.#count.connected.set(0);
    const fields = { executor: this.#executor, reason, effect: "it works on with what it has and gets no change" };
    if (again) this.#log.debug("dataplane.executor.away", fields);
    else this.#log.error("dataplane.executor.away", fields);
  }

  resumed(sequence: number): void {
    this.#log.info("dataplane.executor.resumed", { executor: this.#executor, sequence });
  }

  adopted(generation: number, operations: number): void {
    this.#log.info("dataplane.executor.adopted", { executor: this.#executor, generation, operations });
  }

  notAdopted(reason: string): void {
    this.#log.warn("dataplane.executor.not-adopted", { executor: this.#executor, reason });
  }

  handsOver(fields: { readonly holdsOne: boolean }): void {
    this.#count.handovers.add();
    this.#log.info("dataplane.executor.handing-over", { executor: this.#executor, ...fields });
  }

  handedOver(): void {
    this.#log.info("dataplane.executor.handed-over", { executor: this.#executor });
  }

  refused({ type }: Operation, { code, reason, sequence }: RefusalOf): void {
    this.#count.refused[code]?.add();
    const fields = { operation: type, sequence, code: REFUSALS[code] ?? "internal", reason };
    this.#tell("dataplane.executor.refused", fields);
  }

  /** It acknowledged an operation, and holds something else. */
  mistaken(operation: Operation, reason: string): void {
    this.#count.mistaken.add();
    this.#tell("dataplane.executor.mistaken", { object: objectOf(operation).object, reason });
  }

  notAudited(reason: string): void {
    this.#log.debug("dataplane.executor.not-audited", { executor: this.#executor, reason });
  }

  differs(differences: number): void {
    this.#count.differences.set(differences);
    if (differences === 0) this.#told = 0;
  }

  /** An executor that takes nothing is not as many lines as the plan has objects. */
  #tell(event: string, fields: LogFields): void {
    if (++this.#told < MOST_TOLD) this.#log.error(event, { executor: this.#executor, ...fields });
    else if (this.#told === MOST_TOLD)
      this.#log.error("dataplane.executor.and-more", {
        executor: this.#executor,
        effect: "what else differs is counted and not told: semrctl show dataplane, semrd_fib_service_differences",
      });
  }

  healthRefused(nextHop: NextHopIndex, reason: string): void {
    this.#log.error("dataplane.executor.health-refused", { executor: this.#executor, nextHop, reason });
  }

  nextHop(fields: {
    readonly index: NextHopIndex;
    readonly towards: string;
    readonly unreachable: boolean;
    readonly reason: string;
  }): void {
    const { unreachable, ...others } = fields;
    const event = unreachable ? "dataplane.executor.next-hop-unreachable" : "dataplane.executor.next-hop-reachable";
    this.#log.warn(event, { executor: this.#executor, ...others });
  }
}
