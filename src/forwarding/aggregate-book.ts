import { type CapabilityName, capabilityAddress, type Ipv6Prefix } from "../base/index.ts";
import type { PrefixSelection } from "../rib/index.ts";
import type { ChoiceBook, ChoiceId } from "./choice-book.ts";
import type { EntryId, EntryRecords } from "./entry-records.ts";
import type { Fulfilment } from "./fulfilment.ts";
import type { GroupTable } from "./group-table.ts";
import type { OperationBatch } from "./operation-batch.ts";
import { type AggregateEntry, FAMILY_BITS, TENANT_BITS } from "./plan.ts";
import type { PolicyBook } from "./policy-book.ts";
import type { Reports } from "./reports.ts";

export interface AggregateBookParts {
  readonly domain: Ipv6Prefix;
  /** How many the data plane has room for. */
  readonly limit: number;
  readonly records: EntryRecords;
  readonly choices: ChoiceBook;
  readonly groups: GroupTable;
  readonly fulfilment: Fulfilment;
  readonly policies: PolicyBook;
  readonly batch: OperationBatch;
  readonly reports: Reports;
  readonly familyCodeOf: (family: string) => number;
}

interface Aggregate {
  /** Its record, which is used for its place in the list of its group's users. */
  readonly entry: EntryId;
  readonly tenantIndex: number;
  readonly address: AggregateEntry["prefix"];
  /** Of names; `undefined`: found in the data plane, and not yet asked for. */
  prefix: string | undefined;
  choice: ChoiceId;
  installed: AggregateEntry | undefined;
}

/** A selector that no site has, so that the record is no capability's. */
const NO_SITE = 0xffff;

/**
 * Prefixes of names as prefixes of addresses. An address tells the tenant and the family, which is the first label, and else
 * only a hash: so `/` and `/family` have a place in the plan, and longer prefixes have none.
 */
export class AggregateBook {
  readonly #parts: AggregateBookParts;
  readonly #known = new Map<EntryId, Aggregate>();
  /** Who knows names below a prefix of any length, by tenant. */
  readonly #resolvers = new Map<number, Map<string, ChoiceId>>();
  /** What is to be compared at the end of the step. */
  readonly #changed = new Set<Aggregate>();
  #installed = 0;

  constructor(parts: AggregateBookParts) {
    this.#parts = parts;
  }

  get installed(): number {
    return this.#installed;
  }

  /** As the data plane has it; groups and policies are adopted already. */
  adopt(entry: AggregateEntry): void {
    const { groups, policies, records } = this.#parts;
    const aggregate = this.#at(entry.prefix);
    aggregate.installed = entry;
    this.#installed++;
    policies.retain(entry.policy ?? 0);
    if (groups.has(entry.group)) groups.join(records.siteSide(aggregate.entry), entry.group);
  }

  /** A selection of the RIB. What this router knows itself has sites or instances: where it has none, others are asked. */
  take({ tenantIndex, prefix, group, candidates }: PrefixSelection): void {
    const others = {
      group: group.filter(({ local }) => !local),
      candidates: candidates.filter(({ candidate }) => !candidate.local),
    };
    this.#takeResolvers(tenantIndex, prefix, others);
    const address = this.#addressOf(tenantIndex, prefix);
    if (address === undefined || this.#parts.limit === 0) return;
    const { choices, reports } = this.#parts;
    const aggregate = this.#at(address);
    if (aggregate.prefix !== undefined && aggregate.prefix !== prefix) {
      reports.refuse("address-collision", { capability: prefix, with: aggregate.prefix, tenantIndex });
      return;
    }
    const before = aggregate.choice;
    aggregate.prefix = prefix;
    aggregate.choice = choices.obtain(others);
    choices.release(before);
    this.#changed.add(aggregate);
  }

  #takeResolvers(tenantIndex: number, prefix: string, others: Pick<PrefixSelection, "group" | "candidates">): void {
    const { choices } = this.#parts;
    const ofTenant = this.#resolvers.get(tenantIndex) ?? new Map<string, ChoiceId>();
    const before = ofTenant.get(prefix) ?? 0;
    const choice = choices.obtain(others);
    if (choice === 0) ofTenant.delete(prefix);
    else ofTenant.set(prefix, choice);
    choices.release(before);
    if (ofTenant.size === 0) this.#resolvers.delete(tenantIndex);
    else this.#resolvers.set(tenantIndex, ofTenant);
  }

  /** Who knows names below the longest prefix of this one that somebody serves; 0: nobody. */
  resolvers(tenantIndex: number, name: CapabilityName): ChoiceId {
    const ofTenant = this.#resolvers.get(tenantIndex);
    if (ofTenant === undefined) return 0;
    for (let prefix: string = name; ; prefix = prefix.slice(0, Math.max(1, prefix.lastIndexOf("/")))) {
      const choice = ofTenant.get(prefix) ?? 0;
      if (this.#parts.choices.serves(choice)) return choice;
      if (prefix === "/") return 0;
    }
  }

  /** The tenant's rules are other ones. */
  touchTenant(tenantIndex: number): void {
    for (const aggregate of this.#known.values())
      if (aggregate.tenantIndex === tenantIndex) this.#changed.add(aggregate);
  }

  /** Its group's next stage begins, or adoption is over. */
  touch(entry: EntryId): void {
    const aggregate = this.#known.get(entry);
    if (aggregate !== undefined) this.#changed.add(aggregate);
  }

  touchAll(): void {
    for (const aggregate of this.#known.values()) this.#changed.add(aggregate);
  }

  /** Some are still to be compared. */
  get hasChanged(): boolean {
    return this.#changed.size > 0;
  }

  /** At the end of a step, at most `most`. After a restart those that were found stay as they are until everything is known. */
  compare(most: number): void {
    for (const aggregate of this.#changed.values().take(most)) {
      this.#changed.delete(aggregate);
      this.#compare(aggregate);
    }
  }

  #compare(aggregate: Aggregate): void {
    const { records, fulfilment, choices, groups, policies, batch, reports, limit } = this.#parts;
    const { entry, tenantIndex, address, prefix, installed } = aggregate;
    const side = records.siteSide(entry);
    if (choices.serves(aggregate.choice)) fulfilment.fillOther(side, aggregate.choice);
    else groups.leave(side);
    const group = records.groupOf(side);
    if (group === 0 || prefix === undefined) {
      groups.leave(side);
      this.#takeOut(aggregate);
      return;
    }
    const named = installed?.policy ?? 0;
    const key = `${tenantIndex} below ${prefix}`;
    const policy = policies.assignBelow({ tenantIndex, name: prefix, key, named });
    if (installed?.group === group && named === policy) return;
    if (installed === undefined) {
      if (this.#installed >= limit) {
        reports.refuse("aggregates-full", { prefix, tenantIndex });
        return;
      }
      this.#installed++;
    }
    policies.retain(policy);
    policies.release(named);
    aggregate.installed = { prefix: address, group, ...(policy === 0 ? {} : { policy }) };
    batch.add({ type: "set-aggregate", aggregate: aggregate.installed });
  }

  #takeOut(aggregate: Aggregate): void {
    const { batch, policies, choices, records } = this.#parts;
    if (aggregate.installed !== undefined) {
      batch.add({ type: "remove-aggregate", prefix: aggregate.address });
      policies.release(aggregate.installed.policy ?? 0);
      this.#installed--;
      aggregate.installed = undefined;
    }
    if (choices.serves(aggregate.choice)) return; // it waits for a group
    choices.release(aggregate.choice);
    this.#known.delete(aggregate.entry);
    records.remove(aggregate.entry);
  }

  #at(prefix: Ipv6Prefix): Aggregate {
    const { records } = this.#parts;
    const address = prefix.address.slice();
    // Beside the selector: the length, since families may have the code 0.
    address.set([prefix.length, 0, 0, 0, NO_SITE >>> 8, NO_SITE & 0xff], 10);
    const entry = records.at(address);
    const known = this.#known.get(entry);
    if (known !== undefined) return known;
    const tenantIndex = (prefix.address[6]! << 8) | prefix.address[7]!;
    const made = { entry, tenantIndex, address: prefix, prefix: undefined, choice: 0, installed: undefined };
    this.#known.set(entry, made);
    return made;
  }

  /** `undefined`: it has more than one label. */
  #addressOf(tenantIndex: number, prefix: string): Ipv6Prefix | undefined {
    const { domain, familyCodeOf } = this.#parts;
    const family = prefix.slice(1);
    if (family.includes("/")) return undefined;
    const familyCode = family === "" ? 0 : familyCodeOf(family);
    const parts = { domain, tenantIndex, familyCode, selector: 0, capabilityId: NO_ID };
    return { address: capabilityAddress(parts), length: family === "" ? TENANT_BITS : FAMILY_BITS };
  }
}

const NO_ID = new Uint8Array(16) as Parameters<typeof capabilityAddress>[0]["capabilityId"];
