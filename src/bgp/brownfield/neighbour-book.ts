import type { Counter, Log, Metrics } from "../../base/index.ts";
import type { DeriveRefusal } from "./derive.ts";
import { LOSABLE, type Lost } from "./lost.ts";

/** How capability routes of one neighbour have come through. */
export interface BrownfieldStatus {
  /** Unicast routes of it that are capability routes now. */
  readonly learnt: number;
  /** Of these, those that are not used because their address stands for another capability. */
  readonly mismatched: number;
  /** Routes that lack something which they had, by what it is. */
  readonly lost: ReadonlyMap<Lost, number>;
  /** Routes in the domain's prefix that are no capability routes, by the reason. */
  readonly refused: ReadonlyMap<DeriveRefusal, number>;
  /** Routes of this router that came back from it and lacked something, since the start. */
  readonly returnedPoorer: number;
}

/** What is true of one unicast route now. */
export interface RouteFinding {
  readonly refusal: DeriveRefusal | undefined;
  readonly mismatch: boolean;
  readonly lost: readonly Lost[];
}

/** Counts, and says in the log what begins and what ends. */
export class NeighbourBook implements BrownfieldStatus {
  readonly address: string;
  learnt = 0;
  mismatched = 0;
  returnedPoorer = 0;
  readonly lost = new Map<Lost, number>();
  readonly refused = new Map<DeriveRefusal, number>();
  readonly #log: Log;
  readonly #lostTotal: Readonly<Record<Lost, Counter>>;
  readonly #mismatchTotal: Counter;
  readonly #refusedTotal: (reason: DeriveRefusal) => Counter;

  constructor(address: string, log: Log, metrics: Metrics) {
    this.address = address;
    this.#log = log;
    const lost = (attribute: Lost): Counter =>
      metrics.counter("semrd_brownfield_attributes_lost_total", "Capability routes that came without what they had", {
        peer: address,
        attribute,
      });
    this.#lostTotal = Object.fromEntries(LOSABLE.map((what) => [what, lost(what)])) as Record<Lost, Counter>;
    this.#mismatchTotal = metrics.counter(
      "semrd_brownfield_hash_mismatches_total",
      "Capability routes whose address stands for another capability here",
      { peer: address },
    );
    this.#refusedTotal = (reason) =>
      metrics.counter("semrd_brownfield_refused_routes_total", "Unicast routes that are no capability routes", {
        peer: address,
        reason,
      });
  }

  /** A route says something for the first time, or something else. */
  note(finding: RouteFinding, route: string): void {
    const peer = this.address;
    if (finding.refusal === undefined) this.learnt++;
    else {
      step(this.refused, finding.refusal, 1);
      this.#refusedTotal(finding.refusal).add();
      this.#log.debug("brownfield.route.refused", { peer, route, reason: finding.refusal });
    }
    if (finding.mismatch) {
      this.mismatched++;
      this.#mismatchTotal.add();
      const advice = "two capabilities share an address: give the family of one of them another code";
      this.#log.error("brownfield.hash-mismatch", { peer, route, advice });
    }
    for (const attribute of finding.lost) {
      this.#lostTotal[attribute].add();
      if (step(this.lost, attribute, 1) > 1) continue;
      this.#log.warn("brownfield.attribute-lost", { peer, route, attribute });
    }
  }

  /** What was noted is true no more. */
  forget(finding: RouteFinding): void {
    if (finding.refusal === undefined) this.learnt--;
    else step(this.refused, finding.refusal, -1);
    if (finding.mismatch) this.mismatched--;
    for (const attribute of finding.lost) {
      if (step(this.lost, attribute, -1) > 0) continue;
      this.#log.info("brownfield.attribute-back", { peer: this.address, attribute });
    }
  }

  /** A route of this router has come back without `lost`. */
  returned(lost: readonly Lost[]): void {
    if (lost.length === 0) return;
    this.returnedPoorer++;
    for (const attribute of lost) this.#lostTotal[attribute].add();
    this.#log.warn("brownfield.returned-poorer", { peer: this.address, lost });
  }
}

/** Counts up or down; what is at 0 is not there. */
function step<Key>(counts: Map<Key, number>, key: Key, by: 1 | -1): number {
  const now = (counts.get(key) ?? 0) + by;
  if (now === 0) counts.delete(key);
  else counts.set(key, now);
  return now;
}
