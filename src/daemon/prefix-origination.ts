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

interface Prefix {
  readonly prefix: CapabilityName;
  /** Of the names below it. */
  readonly beginning: string;
}

/** What is below a prefix of a tenant, and what that adds up to: there may be a thousand, of which one changes. */
interface Below {
  readonly tenant: Tenant;
  readonly prefix: CapabilityName;
  /** By CapID. */
  readonly parts: Map<string, Part>;
  instances: number;
  /** How many sites say each score, of which there are few. */
  readonly scores: Map<number, number>;
  draining: number;
}

/** Longest run of looks at all capabilities before other work of the process gets its turn. */
const SLICE_MS = 3;

/** Keeps one route (CP) per configured prefix and tenant while at least one capability below it can be used. */
export class PrefixOrigination implements Disposable {
  readonly #parts: PrefixOriginationParts;
  /** By tenant index, then by prefix. */
  readonly #below = new Map<number, Map<CapabilityName, Below>>();
  readonly #prefixes: readonly Prefix[];
  #tenants: { readonly of: OwnState["tenants"]; readonly byIndex: ReadonlyMap<number, Tenant> };
  /** Where there is something to answer for. */
  readonly #subscription: Disposable | undefined;
  /** What is being looked at. */
  #round: Iterator<Destination> | undefined;

  constructor(parts: PrefixOriginationParts) {
    const { prefixes, selections, own } = parts;
    this.#parts = parts;
    this.#prefixes = prefixes.map((prefix) => ({ prefix, beginning: `${prefix}/` }));
    this.#tenants = tenantsOf(own);
    this.lookAtAll();
    if (prefixes.length > 0)
      this.#subscription = selections.subscribe({ site: (selection) => this.#changed(selection) });
  }

  #tenant(index: number): Tenant | undefined {
    const { own } = this.#parts;
    if (this.#tenants.of !== own.tenants) this.#tenants = tenantsOf(own);
    return this.#tenants.byIndex.get(index);
  }

  /** Tenants may have come, and others have gone: the routes of those go at once. */
  lookAtAll(): void {
    const { rib, prefixes, own } = this.#parts;
    if (prefixes.length === 0) return;
    for (const below of this.#below
      .values()
      .flatMap((ofTenant) => ofTenant.values())
      .toArray()) {
      if (own.tenants.get(below.tenant.name)?.index === below.tenant.index) continue;
      for (const id of [...below.parts.keys()]) put(below, id, undefined);
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
    const { tenantIndex, capabilityId } = selection;
    const tenant = this.#tenant(tenantIndex);
    if (tenant === undefined) return;
    const name = selection.name ?? this.#parts.nameOf(capabilityId);
    // Where nobody has a route any more, nobody says the name either
    const ofTenant = this.#below.get(tenantIndex);
    const concerns = name === undefined ? ofTenant !== undefined : this.#isBelowAny(name);
    if (!concerns) return;
    const part = name === undefined ? undefined : this.#partOf(selection);
    const id = toHex(capabilityId);
    for (const one of this.#prefixes) {
      if (name !== undefined && !isBelow(name, one)) continue;
      const known = ofTenant?.get(one.prefix);
      const before = known?.parts.get(id);
      if (before === undefined ? part === undefined : part !== undefined && samePart(before, part)) continue;
      const below = known ?? nothingBelow(tenant, one.prefix);
      put(below, id, part);
      this.#tell(below);
    }
  }

  /** Those below which there is something. */
  #keep(below: Below): void {
    const { tenant, prefix, parts } = below;
    const ofTenant = this.#below.get(tenant.index) ?? new Map<CapabilityName, Below>();
    if (parts.size > 0) ofTenant.set(prefix, below);
    else ofTenant.delete(prefix);
    if (ofTenant.size > 0) this.#below.set(tenant.index, ofTenant);
    else this.#below.delete(tenant.index);
  }

  #isBelowAny(name: CapabilityName): boolean {
    for (const prefix of this.#prefixes) if (isBelow(name, prefix)) return true;
    return false;
  }

  #tell(below: Below): void {
    const { announcer, damper, own } = this.#parts;
    const { tenant, prefix } = below;
    this.#keep(below);
    const latest = (): Tenant => own.tenants.get(tenant.name) ?? tenant;
    damper.observe(
      keyOf(tenant, prefix),
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
          const { state } = told;
          announcer.say(nlri, (now) => prefixAttributes({ ...aggregate, state }, latest(), own, now));
        }
      },
    );
  }

  #partOf({ candidates }: CapabilitySelection): Part | undefined {
    const { attributes } = this.#parts.rib;
    const scores: number[] = [];
    let instances = 0;
    let draining = true;
    for (const { candidate, judgement } of candidates) {
      if (judgement === "excluded") continue;
      const { aggregate, score, state } = attributes.get(candidate.attributes).semantic!;
      instances += aggregate?.count ?? 1;
      scores.push(score);
      if (state !== "draining") draining = false;
    }
    return scores.length === 0 ? undefined : { instances, scores, draining };
  }

  [Symbol.dispose](): void {
    this.#round = undefined;
    this.#subscription?.[Symbol.dispose]();
  }
}

const keyOf = ({ index }: Tenant, prefix: CapabilityName): string => `prefix ${index} ${prefix}`;

/** What is said with a damped mean, which may be behind the scores of now: others refuse a mean that is not between the bounds. */
function around(mean: number, { count, minimum, maximum }: Aggregate): Aggregate {
  return { count, minimum: Math.min(minimum, mean), mean, maximum: Math.max(maximum, mean) };
}

const tenantsOf = ({ tenants }: OwnState) => ({
  of: tenants,
  byIndex: new Map(tenants.values().map((tenant) => [tenant.index, tenant])),
});

const isBelow = (name: CapabilityName, { prefix, beginning }: Prefix): boolean =>
  name === prefix || name.startsWith(beginning);

const nothingBelow = (tenant: Tenant, prefix: CapabilityName): Below => ({
  ...{ tenant, prefix, parts: new Map<string, Part>() },
  ...{ instances: 0, scores: new Map<number, number>(), draining: 0 },
});

function samePart(a: Part, b: Part): boolean {
  if (a.instances !== b.instances || a.draining !== b.draining || a.scores.length !== b.scores.length) return false;
  return a.scores.every((score, at) => score === b.scores[at]);
}

/** What one capability adds from now on; `undefined`: nothing any more. */
function put(below: Below, id: string, part: Part | undefined): void {
  const before = below.parts.get(id);
  if (before !== undefined) count(below, before, -1);
  if (part === undefined) below.parts.delete(id);
  else {
    below.parts.set(id, part);
    count(below, part, 1);
  }
}

function count(below: Below, { instances, scores, draining }: Part, times: 1 | -1): void {
  below.instances += times * instances;
  if (draining) below.draining += times;
  for (const score of scores) {
    const sites = (below.scores.get(score) ?? 0) + times;
    if (sites === 0) below.scores.delete(score);
    else below.scores.set(score, sites);
  }
}

/** How many there are matters in powers of two: one more of a thousand is no news. */
function summaryOf({ parts, instances, scores, draining }: Below): PrefixSummary | undefined {
  if (parts.size === 0) return undefined;
  let [sites, sum] = [0, 0];
  for (const [score, count] of scores) {
    sites += count;
    sum += score * count;
  }
  const mean = sum / sites;
  const [minimum, maximum] = [Math.min(...scores.keys()), Math.max(...scores.keys())];
  const aggregate = { count: instances, minimum, mean: Math.round(mean), maximum };
  const magnitude = 2 ** Math.floor(Math.log2(Math.max(1, instances)));
  const state = draining === parts.size ? "draining" : "up";
  return { state, score: mean, weight: magnitude, usable: magnitude, aggregate };
}
