import type { Counter, Gauge, Log, LogFields, Metrics } from "../base/index.ts";

/** Why something is not in the plan. */
export type Refusal =
  | "unnamed"
  | "unknown-tenant"
  | "address-collision"
  | "locator-collision"
  | "capabilities-full"
  | "groups-full"
  | "next-hops-full"
  | "policies-full"
  | "aggregates-full";

/** How often the compiler could not do something. */
export interface RefusalCount {
  readonly reason: Refusal;
  readonly times: number;
  /** What an operator can do about it. */
  readonly advice: string;
}

const ADVICE: Readonly<Record<Refusal, string>> = {
  unnamed: "the capability is neither in the taxonomy nor named by its routes, so it has no address",
  "unknown-tenant": "configure the tenant, or remove the instance",
  "address-collision": "two capabilities have one address: give one of their families another code in the taxonomy",
  "locator-collision":
    "two locators differ in the first bit of their last 64 bits alone, where a router has its second tunnel address: give one of the routers another locator",
  "capabilities-full": "raise max-capabilities",
  "groups-full": "raise max-capabilities",
  "next-hops-full": "raise max-capabilities",
  "aggregates-full": "advertise fewer prefixes of names: what is below the others is refused where it has no entry",
  "policies-full":
    "raise max-capabilities, or limit, count and share fewer capabilities; what has no policy is closed to other tenants",
};

/** What the compiler tells operators. */
export class Reports {
  readonly #metrics: Metrics;
  readonly #log: Log;
  readonly #operations: Counter;
  readonly #groups: Gauge;
  readonly #nextHops: Gauge;
  readonly #entries: Gauge;
  readonly #refused = new Map<Refusal, number>();

  constructor(metrics: Metrics, log: Log) {
    this.#metrics = metrics;
    this.#log = log;
    this.#operations = metrics.counter("semrd_forwarding_operations_total", "Operations given to the data plane");
    this.#groups = metrics.gauge("semrd_forwarding_groups", "Next-hop groups of the plan");
    this.#nextHops = metrics.gauge("semrd_forwarding_next_hops", "Next hops of the plan");
    this.#entries = metrics.gauge("semrd_forwarding_capabilities", "Capability addresses of the plan");
  }

  operations(count: number): void {
    this.#operations.add(count);
  }

  sizes(entries: number, groups: number, nextHops: number): void {
    this.#groups.set(groups);
    this.#nextHops.set(nextHops);
    this.#entries.set(entries);
  }

  /** Counted always, logged loudly once a kind: a full table refuses many. */
  refuse(reason: Refusal, fields: LogFields): void {
    this.#metrics.counter("semrd_forwarding_refused_total", "What the plan has no place for", { reason }).add();
    const before = this.#refused.get(reason) ?? 0;
    this.#refused.set(reason, before + 1);
    const say = before > 0 ? this.#log.debug : this.#log.warn;
    say.call(this.#log, "forwarding.refused", { reason, advice: ADVICE[reason], ...fields });
  }

  /** What was refused since the start, by kind. */
  get refusals(): readonly RefusalCount[] {
    return Array.from(this.#refused, ([reason, times]) => ({ reason, times, advice: ADVICE[reason] }));
  }
}
