import { type CapabilityId, type CapabilityName, capabilityLabels, toHex } from "../base/index.ts";
import type { DampedSummary } from "../directory/index.ts";
import type { CapabilitySelection, Rib, Tenant } from "../rib/index.ts";
import type { Announcer } from "./announcer.ts";
import type { OriginDamper } from "./origin-damper.ts";
import { type Aggregate, type OwnState, prefixAttributes } from "./own-attributes.ts";
import type { SelectionFan } from "./selection-fan.ts";

export interface PrefixOriginationParts {
  readonly own: OwnState;
  /** For each tenant. */
  readonly prefixes: readonly CapabilityName[];
  readonly announcer: Announcer;
  readonly damper: OriginDamper;
  readonly rib: Pick<Rib, "capability" | "attributes">;
  readonly selections: SelectionFan;
  /** Of a capability whose routes do not say its name. */
  readonly nameOf: (id: CapabilityId) => CapabilityName | undefined;
}

/** What one capability adds to the prefixes that it is below. */
interface Part {
  readonly instances: number;
  readonly scores: readonly number[];
}

interface PrefixSummary extends DampedSummary {
  readonly aggregate: Aggregate;
}

/** Keeps one route (CP) per configured prefix and tenant while at least one capability below it can be used. */
export class PrefixOrigination implements Disposable {
  readonly #parts: PrefixOriginationParts;
  /** By tenant index and prefix, then by CapID. */
  readonly #below = new Map<string, Map<string, Part>>();
  readonly #subscription: Disposable;

  constructor(parts: PrefixOriginationParts) {
    this.#parts = parts;
    this.lookAtAll();
    this.#subscription = parts.selections.subscribe({ site: (selection) => this.#changed(selection) });
  }

  /** There may be tenants that were not there before. */
  lookAtAll(): void {
    const { rib, prefixes } = this.#parts;
    if (prefixes.length === 0) return;
    for (const { tenantIndex, capabilityId } of [...rib.capability.destinations()]) {
      this.#changed(rib.capability.select(tenantIndex, capabilityId));
    }
  }

  #changed(selection: CapabilitySelection): void {
    const { prefixes, own, nameOf } = this.#parts;
    if (prefixes.length === 0) return;
    const tenant = own.tenants.values().find(({ index }) => index === selection.tenantIndex);
    const name = selection.name ?? nameOf(selection.capabilityId);
    if (name === undefined || tenant === undefined) return;
    for (const prefix of prefixes) {
      if (name === prefix || name.startsWith(`${prefix}/`)) this.#changedBelow(prefix, tenant, selection);
    }
  }

  #changedBelow(prefix: CapabilityName, tenant: Tenant, selection: CapabilitySelection): void {
    const { own } = this.#parts;
    const key = `prefix ${tenant.index} ${prefix}`;
    const below = this.#below.get(key) ?? new Map<string, Part>();
    this.#below.set(key, below);
    const part = this.#partOf(selection);
    if (part === undefined) below.delete(toHex(selection.capabilityId));
    else below.set(toHex(selection.capabilityId), part);
    const { announcer, damper } = this.#parts;
    const latest = (): Tenant => own.tenants.get(tenant.name) ?? tenant;
    damper.observe(
      key,
      summaryOf(below),
      () => "",
      (told) => {
        const nlri = {
          type: "prefix",
          routeDistinguisher: tenant.routeDistinguisher,
          originId: own.routerId,
          labels: capabilityLabels(prefix),
        } as const;
        if (told === undefined) announcer.retract(nlri);
        else {
          const aggregate = around(told.score, told.aggregate);
          announcer.say(nlri, (now) => prefixAttributes(aggregate, latest(), own, now));
        }
      },
    );
  }

  #partOf({ candidates }: CapabilitySelection): Part | undefined {
    const usable = candidates.filter(({ judgement }) => judgement !== "excluded");
    if (usable.length === 0) return undefined;
    const said = usable.map(({ candidate }) => this.#parts.rib.attributes.get(candidate.attributes).semantic!);
    return {
      instances: said.reduce((sum, { aggregate }) => sum + (aggregate?.count ?? 1), 0),
      scores: said.map(({ score }) => score),
    };
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }
}

/** What is said with a damped mean, which may be behind the scores of now: others refuse a mean that is not between the bounds. */
function around(mean: number, { count, minimum, maximum }: Aggregate): Aggregate {
  return { count, minimum: Math.min(minimum, mean), mean, maximum: Math.max(maximum, mean) };
}

/** How many there are matters in powers of two: one more of a thousand is no news. */
function summaryOf(below: ReadonlyMap<string, Part>): PrefixSummary | undefined {
  if (below.size === 0) return undefined;
  const scores = [...below.values()].flatMap((part) => part.scores);
  const count = [...below.values()].reduce((sum, part) => sum + part.instances, 0);
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const aggregate = { count, minimum: Math.min(...scores), mean: Math.round(mean), maximum: Math.max(...scores) };
  const magnitude = 2 ** Math.floor(Math.log2(Math.max(1, count)));
  return { state: "up", score: mean, weight: magnitude, usable: magnitude, aggregate };
}
