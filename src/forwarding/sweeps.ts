import type { PrefixSelection } from "../rib/index.ts";
import type { AddressClaims } from "./address-claims.ts";
import type { AggregateBook } from "./aggregate-book.ts";
import type { CapabilityBook, PlanId } from "./capability-book.ts";
import type { CapabilityIds } from "./capability-ids.ts";
import type { ChoiceBook } from "./choice-book.ts";
import { ENTRY, type EntryRecords, type SideId } from "./entry-records.ts";
import type { EntryTable } from "./entry-table.ts";
import type { Fulfilment } from "./fulfilment.ts";
import type { KnownCapability } from "./inputs.ts";
import type { PolicyBook } from "./policy-book.ts";
import type { TenantPolicy } from "./tenant-policy.ts";

export interface SweepsParts {
  readonly book: CapabilityBook;
  readonly choices: ChoiceBook;
  readonly records: EntryRecords;
  readonly entries: EntryTable;
  readonly policies: PolicyBook;
  readonly ids: CapabilityIds;
  readonly claims: AddressClaims;
  readonly aggregates: AggregateBook;
  readonly fulfilment: Fulfilment;
  /** Its plan is to be done again. */
  readonly mark: (plan: PlanId) => void;
}

/** What concerns many capabilities at once: each is a job of the queue, with a step for each of them. */
export class Sweeps {
  readonly #parts: SweepsParts;
  /** How often the list of all capabilities was given. */
  #taxonomies = 0;

  constructor(parts: SweepsParts) {
    this.#parts = parts;
  }

  /** Adoption is over: all is looked at as it is now, and what nobody has asked for goes. */
  *unclaimed(): Generator<void> {
    const { book, records, entries, fulfilment, mark } = this.#parts;
    fulfilment.forgetSeen();
    for (let plan = 1; plan < book.top; plan++) {
      if (book.isUsed(plan)) mark(plan);
      yield;
    }
    for (let entry = 1; entry < records.top; entry++) {
      if (records.owner(entry) === 0 && records.has(entry, ENTRY.installed)) entries.remove(entry);
      yield;
    }
  }

  /** All capabilities that exist, instead of those of the list before. */
  taxonomy(capabilities: Iterable<KnownCapability>): Generator<void> {
    this.#taxonomies++;
    return this.#takeTaxonomy(capabilities, this.#taxonomies);
  }

  *#takeTaxonomy(capabilities: Iterable<KnownCapability>, number: number): Generator<void> {
    const { book, claims, ids, mark } = this.#parts;
    for (const { tenantIndex, name, majorVersion, affinity } of capabilities) {
      const plan = claims.plan(tenantIndex, ids.of(name, majorVersion), name);
      book.setTaxonomy(plan, number);
      book.setAffinity(plan, affinity);
      mark(plan);
      yield;
    }
    for (let plan = 1; plan < book.top; plan++) {
      const last = book.taxonomy(plan);
      if (last !== 0 && last < number) {
        book.setTaxonomy(plan, 0);
        book.setAffinity(plan, undefined);
        mark(plan);
      }
      yield;
    }
  }

  /** What is configured for each tenant, instead of what was before. */
  *policies(tenants: readonly TenantPolicy[]): Generator<void> {
    const { policies } = this.#parts;
    for (const tenant of tenants) {
      if (policies.take(tenant)) yield* this.#ofTenant(tenant.tenantIndex);
      yield;
    }
    const known = new Set(tenants.map(({ tenantIndex }) => tenantIndex));
    for (const tenantIndex of policies.dropOthers(known)) yield* this.#ofTenant(tenantIndex);
  }

  *#ofTenant(tenantIndex: number): Generator<void> {
    const { aggregates, book, mark } = this.#parts;
    aggregates.touchTenant(tenantIndex);
    for (const plan of book.ofTenant(tenantIndex)) {
      mark(plan);
      yield;
    }
  }

  /** Users of a group, of which there may be as many as there are capabilities. */
  *sides(sides: Iterator<SideId>): Generator<void> {
    const { records, aggregates, mark } = this.#parts;
    for (let next = sides.next(); next.done !== true; next = sides.next()) {
      const entry = next.value >> 1;
      const owner = records.owner(entry);
      if (owner !== 0) mark(owner);
      else aggregates.touch(entry);
      yield;
    }
  }

  /** Capabilities that no site has a route of may be served by those who know the prefix. */
  *below({ tenantIndex, prefix }: PrefixSelection): Generator<void> {
    const { book, choices, mark } = this.#parts;
    const start = prefix === "/" ? prefix : `${prefix}/`;
    for (const plan of book.ofTenant(tenantIndex)) {
      const name = book.name(plan);
      const isConcerned = name === prefix || name.startsWith(start);
      if (isConcerned && !choices.serves(book.choice(plan))) mark(plan);
      yield;
    }
  }
}
