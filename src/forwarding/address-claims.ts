import {
  ANY_SITE,
  type CapabilityId,
  type CapabilityName,
  capabilityAddress,
  type Ipv6Address,
} from "../base/index.ts";
import type { CapabilityBook, PlanId } from "./capability-book.ts";
import type { EntryRecords } from "./entry-records.ts";
import type { EntryTable } from "./entry-table.ts";
import { FamilyCodes } from "./family-codes.ts";
import type { CompilerOptions } from "./inputs.ts";
import type { Reports } from "./reports.ts";

export interface AddressClaimsParts {
  readonly book: CapabilityBook;
  readonly records: EntryRecords;
  readonly entries: EntryTable;
  readonly reports: Reports;
  /** One that is known from now on. */
  readonly named: (plan: PlanId, tenantIndex: number, id: CapabilityId) => void;
}

/** Which capability has which addresses: the first that asks for one. */
export class AddressClaims {
  readonly #parts: AddressClaimsParts;
  readonly #octets = new Uint8Array(16);
  readonly #options: Pick<CompilerOptions, "domain" | "selector">;
  #families: FamilyCodes;
  /** The data plane had addresses before. */
  hasAdopted = false;

  constructor(options: CompilerOptions, parts: AddressClaimsParts) {
    this.#options = options;
    this.#families = new FamilyCodes(options.familyCodes);
    this.#parts = parts;
  }

  /** Codes of families from now on. */
  numbers({ familyCodes }: Pick<CompilerOptions, "familyCodes">): void {
    this.#families = new FamilyCodes(familyCodes);
  }

  /** The capability, which is known from now on, and its address for any instance. */
  plan(tenantIndex: number, id: CapabilityId, name: CapabilityName): PlanId {
    return this.#parts.book.find(tenantIndex, id) || this.add(tenantIndex, id, name);
  }

  /** The same of one that has just been looked for, and is not known. */
  add(tenantIndex: number, id: CapabilityId, name: CapabilityName): PlanId {
    const { book, records, reports } = this.#parts;
    const plan = book.add(name);
    this.#parts.named(plan, tenantIndex, id);
    const any = records.at(this.#address(plan, id, ANY_SITE));
    const owner = records.owner(any);
    if (owner !== 0) {
      reports.refuse("address-collision", { capability: name, with: book.name(owner), tenantIndex });
      return plan;
    }
    records.setOwner(any, plan);
    book.setAny(plan, any);
    // What the data plane has from before has an owner now, too.
    if (this.hasAdopted && records.find(this.#address(plan, id, this.#options.selector)) !== 0) this.own(plan, id);
    return plan;
  }

  /** Whoever has the capability's address has that of its instances here as well. */
  own(plan: PlanId, id: CapabilityId): void {
    const { book, records, entries } = this.#parts;
    const any = book.any(plan);
    if (any === 0 || book.own(plan) !== 0) return;
    const own = records.at(this.#address(plan, id, this.#options.selector));
    if (records.owner(own) !== 0) return;
    records.setOwner(own, plan);
    book.setOwn(plan, own);
    entries.shareInstances(own, any);
  }

  /** Good until the next one is asked for. */
  #address(plan: PlanId, id: CapabilityId, selector: number): Ipv6Address {
    const { book } = this.#parts;
    const { domain } = this.#options;
    const familyCode = this.#families.of(book.name(plan));
    const tenantIndex = book.tenant(plan);
    return capabilityAddress({ domain, tenantIndex, familyCode, capabilityId: id, selector }, this.#octets);
  }

  familyCode(family: string): number {
    return this.#families.ofFamily(family);
  }
}
