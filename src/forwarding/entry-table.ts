import { type Ipv6Address, toHex } from "../base/index.ts";
import { EntryPlan, Side } from "./capability-plan.ts";
import type { GroupTable } from "./group-table.ts";
import type { OperationBatch } from "./operation-batch.ts";
import type { CapabilityEntry } from "./plan.ts";
import type { PolicyBook } from "./policy-book.ts";
import type { Reports } from "./reports.ts";

/** The addresses of the capability table: what is wanted, and what the data plane has. */
export class EntryTable {
  readonly #limit: number;
  readonly #groups: GroupTable;
  readonly #policies: PolicyBook;
  readonly #batch: OperationBatch;
  readonly #reports: Reports;
  readonly #entries = new Map<string, EntryPlan>();
  readonly #changed = new Set<EntryPlan>();
  #installed = 0;

  constructor(limit: number, groups: GroupTable, policies: PolicyBook, batch: OperationBatch, reports: Reports) {
    this.#policies = policies;
    this.#limit = limit;
    this.#groups = groups;
    this.#batch = batch;
    this.#reports = reports;
  }

  /** Addresses in the data plane. */
  get installed(): number {
    return this.#installed;
  }

  all(): MapIterator<EntryPlan> {
    return this.#entries.values();
  }

  at(address: Ipv6Address): EntryPlan {
    const key = toHex(address);
    const entry = this.#entries.get(key) ?? new EntryPlan(address, key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** As the data plane has it; the groups are adopted already. */
  adopt(installed: CapabilityEntry): void {
    const entry = this.at(installed.address);
    entry.installed = installed;
    entry.policy = installed.policy ?? 0;
    entry.affinity = installed.affinity;
    this.#policies.retain(entry.policy);
    entry.isWanted = true;
    this.#installed++;
    const group = this.#groups.get(installed.group);
    if (group !== undefined) this.#groups.join(entry.site, group);
    const localGroup = this.#groups.get(installed.localGroup);
    if (localGroup !== undefined) this.#groups.join(entry.local, localGroup);
  }

  /** Both addresses lead to the same instances: one user of one group, so that a failover is a change of slots. */
  shareInstances(entry: EntryPlan, of: EntryPlan): void {
    this.#groups.leave(entry.local);
    entry.local = of.local;
  }

  install(entry: EntryPlan): void {
    entry.isWanted = true;
    this.#changed.add(entry);
  }

  /** Out of the data plane; its owner may want it again. */
  withdraw(entry: EntryPlan): void {
    this.#groups.leave(entry.site);
    if (entry.local.entry === entry) this.#groups.leave(entry.local);
    entry.isWanted = false;
    this.#changed.add(entry);
  }

  /** Its owner gives it up. */
  remove(entry: EntryPlan): void {
    this.withdraw(entry);
    entry.owner = undefined;
    if (entry.local.entry !== entry) entry.local = new Side(entry);
  }

  /** At the end of a step, before unused groups are removed: what was taken out and put in again within it did not change. */
  compare(): void {
    for (const entry of this.#changed) {
      if (entry.isWanted) this.#put(entry);
      else this.#takeOut(entry);
    }
    this.#changed.clear();
  }

  #put(entry: EntryPlan): void {
    const { address, installed } = entry;
    const group = entry.site.group?.index ?? 0;
    const localGroup = entry.local.group?.index ?? 0;
    const { policy, affinity } = entry;
    const isLike = installed?.group === group && installed.localGroup === localGroup;
    if (isLike && (installed.policy ?? 0) === policy && installed.affinity === affinity) return;
    if (installed === undefined) {
      if (this.#installed >= this.#limit) {
        this.#reports.refuse("capabilities-full", { capability: entry.owner?.name ?? entry.key });
        return;
      }
      this.#installed++;
    }
    this.#policies.retain(policy);
    this.#policies.release(installed?.policy ?? 0);
    entry.installed = {
      ...{ address, group, localGroup },
      ...(policy === 0 ? {} : { policy }),
      ...(affinity === undefined ? {} : { affinity }),
    };
    const gains = installed?.group === group && installed.localGroup === 0;
    this.#batch.add({ type: "set-capability", entry: entry.installed }, gains ? "gains-instances" : "set-capability");
  }

  #takeOut(entry: EntryPlan): void {
    if (entry.installed !== undefined) {
      this.#batch.add({ type: "remove-capability", address: entry.address });
      this.#policies.release(entry.installed.policy ?? 0);
      this.#installed--;
    }
    entry.installed = undefined;
    if (entry.owner === undefined) this.#entries.delete(entry.key);
  }
}
