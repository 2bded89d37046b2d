import { type CapabilityId, type CapabilityName, type Clock, capabilityLabels, toHex } from "../base/index.ts";
import type { DampedSummary } from "../directory/index.ts";
import type { CapabilitySelection, Destination, Rib, Tenant } from "../rib/index.ts";
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
  readonly clock: Clock;
}

/** What one capability adds to the prefixes that it is below. */
interface Part {
  readonly instances: number;
  readonly scores: readonly number[];
  /** All who serve it let their flows end. */
  readonly draining: boolean;
}

interface PrefixSummary extends DampedSummary {
  readonly state: "up" | "draining";
  readonly aggregate: Aggregate;
}

/** What is below a prefix of a tenant. */
interface Below {
  readonly tenant: Tenant;
  readonly prefix: CapabilityName;
  /** By CapID. */
  readonly parts: Map<string, Part>;
}

/** Longest run of looks at all capabilities before other work of the process gets its turn. */
const SLICE_MS = 3;

/** Keeps one route (CP) per configured prefix and tenant while at least one capability below it can be used. */
export class PrefixOrigination implements Disposable {
  readonly #parts: PrefixOriginationParts;
  /** By tenant index and prefix. */
  readonly #below = new Map<string, Below>();
  readonly #subscription: Disposable;
  /** What is being looked at. */
  #round: Iterator<Destination> | undefined;

  constructor(parts: PrefixOriginationParts) {
    this.#parts = parts;
    this.lookAtAll();
    this.#subscription = parts.selections.subscribe({ site: (selection) => this.#changed(selection) });
  }

  /** Tenants may have come, and others have gone: the routes of those go at once. */
  lookAtAll(): void {
    const { rib, prefixes, own } = this.#parts;
    if (prefixes.length === 0) return;
    for (const below of [...this.#below.values()]) {
      if (own.tenants.get(below.tenant.name)?.index === below.tenant.index) continue;
      below.parts.clear();
      this.#tell(below);
    }
    this.#round = rib.capability.destinations();
    this.#look();
  }

  #look(): void {
    const { clock, rib } = this.#parts;
    const until = clock.monotonic() + SLICE_MS;
    for (let next = this.#round?.next(); next !== undefined; next = this.#round?.next()) {
      if (next.done) {
        this.#round = undefined;
        return;
      }
      this.#changed(rib.capability.select(next.value.tenantIndex, next.value.capabilityId));
      if (clock.monotonic() < until) continue;
      const round = this.#round;
      clock.soon(() => {
        if (round === this.#round) this.#look();
      });
      return;
    }
  }

  #changed(selection: CapabilitySelection): void {
    const { prefixes, own, nameOf } = this.#parts;
    if (prefixes.length === 0) return;
    const tenant = own.tenants.values().find(({ index }) => index === selection.tenantIndex);
    if (tenant === undefined) return;
    const id = toHex(selection.capabilityId);
    const name = selection.name ?? nameOf(selection.capabilityId);
    const part = name === undefined ? undefined : this.#partOf(selection);
    for (const prefix of prefixes) {
      const known = this.#below.get(keyOf(tenant, prefix));
      // Where nobody has a route any more, nobody says the name either
      const isBelow = name === undefined ? known?.parts.has(id) : name === prefix || name.startsWith(`${prefix}/`);
      if (isBelow !== true) continue;
      const below = known ?? { tenant, prefix, parts: new Map<string, Part>() };
      if (part === undefined) below.parts.delete(id);
      else below.parts.set(id, part);
      this.#tell(below);
    }
  }

  #tell(below: Below): void {
    const { announcer, damper, own } = this.#parts;
    const { tenant, prefix, parts } = below;
    const key = keyOf(tenant, prefix);
    if (parts.size === 0) this.#below.delete(key);
    else this.#below.set(key, below);
    const latest = (): Tenant => own.tenants.get(tenant.name) ?? tenant;
    damper.observe(
      key,
      summaryOf(parts),
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
          const { state } = told;
          announcer.say(nlri, (now) => prefixAttributes({ ...aggregate, state }, latest(), own, now));
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
      draining: said.every(({ state }) => state === "draining"),
    };
  }

  [Symbol.dispose](): void {
    this.#round = undefined;
    this.#subscription[Symbol.dispose]();
  }
}

const keyOf = ({ index }: Tenant, prefix: CapabilityName): string => `prefix ${index} ${prefix}`;

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
  const state = below.values().every(({ draining }) => draining) ? "draining" : "up";
  return { state, score: mean, weight: magnitude, usable: magnitude, aggregate };
}
