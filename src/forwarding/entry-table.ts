import { type Ipv6Address, KEYS_AHEAD, OctetSlab } from "../base/index.ts";
import type { CapabilityBatch } from "./capability-batch.ts";
import type { PlanId } from "./capability-book.ts";
import { ENTRY, type EntryId, type EntryRecords } from "./entry-records.ts";
import type { GroupTable } from "./group-table.ts";
import type { OperationBatch } from "./operation-batch.ts";
import { AFFINITIES, type CapabilityEntry } from "./plan.ts";
import type { PolicyBook } from "./policy-book.ts";
import type { Reports } from "./reports.ts";

/** Entries of a step that there is room for, at first and for good. */
const FEW_CHANGES = 256;
const MOST_KEPT = 1 << 14;
const ADDRESS_LENGTH = 16;

export interface EntryTableParts {
  readonly limit: number;
  readonly records: EntryRecords;
  readonly groups: GroupTable;
  readonly policies: PolicyBook;
  readonly batch: OperationBatch;
  readonly reports: Reports;
  readonly nameOf: (plan: PlanId) => string;
}

/** The addresses of the capability table: what is wanted, and what the data plane has. */
export class EntryTable {
  readonly #parts: EntryTableParts;
  /** To be compared at the end of the step: the first `#changes` of them. Kept from step to step. */
  #changed = new Int32Array(FEW_CHANGES);
  #changes = 0;
  readonly #addresses = new OctetSlab();
  readonly #address = new Uint8Array(ADDRESS_LENGTH);
  /** Entries that used a group last, of both sides of those that are adopted next. */
  readonly #users = new Int32Array(2 * KEYS_AHEAD);
  #installed = 0;

  constructor(parts: EntryTableParts) {
    this.#parts = parts;
  }

  /** Addresses in the data plane. */
  get installed(): number {
    return this.#installed;
  }

  /** These are asked about soon. */
  touch(entries: Int32Array): void {
    this.#parts.records.touch(entries);
  }

  /** As the data plane has them; the groups are adopted already. */
  adopt(held: CapabilityBatch): void {
    const { records, groups } = this.#parts;
    const users = this.#users;
    for (let first = 0; first < held.length; first += KEYS_AHEAD) {
      const end = Math.min(held.length, first + KEYS_AHEAD);
      records.lookAhead(held.addresses, first, end);
      users.fill(0);
      for (let at = first; at < end; at++) {
        users[2 * (at - first)] = groups.lastUser(held.groups[at]!) >> 1;
        users[2 * (at - first) + 1] = groups.lastUser(held.localGroups[at]!) >> 1;
      }
      records.touch(users);
      for (let at = first; at < end; at++) this.#adopt(held, at);
    }
  }

  #adopt(held: CapabilityBatch, at: number): void {
    const { records, groups, policies } = this.#parts;
    const entry = records.at(held.addresses, ADDRESS_LENGTH * at);
    const [group, localGroup] = [held.groups[at]!, held.localGroups[at]!];
    const [policy, affinity] = [held.policies[at]!, held.affinities[at]!];
    records.setInstalled(entry, group, localGroup, policy);
    records.setInstalledAffinity(entry, affinity);
    records.setPolicy(entry, policy);
    records.setAffinity(entry, affinity);
    policies.retain(policy);
    records.set(entry, ENTRY.wanted | ENTRY.installed);
    this.#installed++;
    if (groups.has(group)) groups.join(records.siteSide(entry), group);
    if (groups.has(localGroup)) groups.join(records.localSide(entry), localGroup);
  }

  /** Both addresses lead to the same instances: one user of one group, so that a failover is a change of slots. */
  shareInstances(entry: EntryId, of: EntryId): void {
    const { records, groups } = this.#parts;
    groups.leave(records.localSide(entry));
    records.shareLocal(entry, of);
  }

  install(entry: EntryId): void {
    this.#parts.records.set(entry, ENTRY.wanted);
    this.#change(entry);
  }

  /** Out of the data plane; its owner may want it again. */
  withdraw(entry: EntryId): void {
    const { records, groups } = this.#parts;
    groups.leave(records.siteSide(entry));
    const local = records.localSide(entry);
    if (local >> 1 === entry) groups.leave(local);
    records.clear(entry, ENTRY.wanted);
    this.#change(entry);
  }

  /** Its owner gives it up. */
  remove(entry: EntryId): void {
    this.withdraw(entry);
    this.#parts.records.setOwner(entry, 0);
    this.#parts.records.shareLocal(entry, 0);
  }

  #change(entry: EntryId): void {
    const { records } = this.#parts;
    if (records.has(entry, ENTRY.changed)) return;
    records.set(entry, ENTRY.changed);
    if (this.#changes === this.#changed.length) {
      const more = new Int32Array(2 * this.#changes);
      more.set(this.#changed);
      this.#changed = more;
    }
    this.#changed[this.#changes++] = entry;
  }

  /** At the end of a step, before unused groups are removed: what was taken out and put in again within it did not change. */
  compare(): void {
    const { records } = this.#parts;
    for (let at = 0; at < this.#changes; at++) {
      const entry = this.#changed[at]!;
      records.clear(entry, ENTRY.changed);
      if (records.has(entry, ENTRY.wanted)) this.#put(entry);
      else this.#takeOut(entry);
    }
    this.#changes = 0;
    if (this.#changed.length > MOST_KEPT) this.#changed = new Int32Array(FEW_CHANGES);
  }

  #put(entry: EntryId): void {
    const { records, policies, batch, limit, reports } = this.#parts;
    const group = records.groupOf(records.siteSide(entry));
    const localGroup = records.groupOf(records.localSide(entry));
    const policy = records.policy(entry);
    const isInstalled = records.has(entry, ENTRY.installed);
    const sameGroup = isInstalled && records.installedGroup(entry) === group;
    const formerLocal = records.installedLocalGroup(entry);
    const former = records.installedPolicy(entry);
    const affinity = records.affinity(entry);
    const isLike = sameGroup && formerLocal === localGroup && former === policy;
    if (isLike && records.installedAffinity(entry) === affinity) return;
    if (!isInstalled) {
      if (this.#installed >= limit) {
        const owner = records.owner(entry);
        reports.refuse("capabilities-full", { capability: this.#parts.nameOf(owner) });
        return;
      }
      this.#installed++;
      records.set(entry, ENTRY.installed);
    }
    if (policy !== former) {
      policies.retain(policy);
      policies.release(former);
    }
    records.setInstalled(entry, group, localGroup, policy);
    records.setInstalledAffinity(entry, affinity);
    const gains = sameGroup && formerLocal === 0;
    const columns = gains ? undefined : batch.capabilities;
    if (columns !== undefined) {
      records.copyAddress(entry, columns.addresses, columns.add(group, localGroup, policy, affinity));
      return;
    }
    const named = AFFINITIES[affinity];
    const operation: CapabilityEntry = {
      ...{ address: this.#addressOf(entry), group, localGroup },
      ...(policy === 0 ? {} : { policy }),
      ...(named === undefined ? {} : { affinity: named }),
    };
    batch.add({ type: "set-capability", entry: operation }, gains ? "gains-instances" : "set-capability");
  }

  #takeOut(entry: EntryId): void {
    const { records, policies, batch } = this.#parts;
    if (records.has(entry, ENTRY.installed)) {
      batch.add({ type: "remove-capability", address: this.#addressOf(entry) });
      policies.release(records.installedPolicy(entry));
      this.#installed--;
      records.clear(entry, ENTRY.installed);
      records.setInstalled(entry, 0, 0, 0);
      records.setInstalledAffinity(entry, 0);
    }
    if (records.owner(entry) === 0) records.remove(entry);
  }

  #addressOf(entry: EntryId): Ipv6Address {
    this.#parts.records.copyAddress(entry, this.#address, 0);
    return this.#addresses.copy(this.#address);
  }
}
