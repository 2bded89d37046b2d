import {
  type CapabilityBatch,
  GROUP_SLOTS,
  type GroupIndex,
  type NextHopIndex,
  type PolicyIndex,
} from "../../forwarding/index.ts";
import type { TableSizes } from "../sizes.ts";
import { NAMED_WORDS } from "./capability-table.ts";
import type { StoredGroup } from "./group-table.ts";

/** What an entry of the capability table, or of the aggregates, names. */
interface Naming {
  readonly group: GroupIndex;
  readonly localGroup?: GroupIndex;
  readonly policy?: PolicyIndex;
}

/** How often each index is named by what is in the tables: what is named is not removed. */
export class UseCounts {
  readonly #groups: Uint32Array;
  readonly #nextHops: Uint32Array;
  readonly #policies: Uint32Array;

  constructor(sizes: Pick<TableSizes, "groups" | "nextHops" | "policies">) {
    this.#groups = new Uint32Array(sizes.groups);
    this.#nextHops = new Uint32Array(sizes.nextHops);
    this.#policies = new Uint32Array(sizes.policies);
  }

  ofGroup(index: GroupIndex): number {
    return this.#groups[index] ?? 0;
  }

  ofNextHop(index: NextHopIndex): number {
    return this.#nextHops[index] ?? 0;
  }

  ofPolicy(index: PolicyIndex): number {
    return this.#policies[index] ?? 0;
  }

  /** Counts in or out what an entry names. */
  countEntry({ group, localGroup = 0, policy = 0 }: Naming, by: 1 | -1): void {
    this.#groups[group]! += by;
    this.#groups[localGroup]! += by;
    this.#policies[policy]! += by;
  }

  addEntry(group: GroupIndex, localGroup: GroupIndex, policy: PolicyIndex): void {
    this.#groups[group]!++;
    this.#groups[localGroup]!++;
    this.#policies[policy]!++;
  }

  /** The entries of a batch before `end`. */
  addEntries({ groups, localGroups, policies }: CapabilityBatch, end: number): void {
    const [groupUses, policyUses] = [this.#groups, this.#policies];
    for (let at = 0; at < end; at++) {
      groupUses[groups[at]!]!++;
      groupUses[localGroups[at]!]!++;
      policyUses[policies[at]!]!++;
    }
  }

  /** Entries whose place others have taken: what each named, {@link NAMED_WORDS} words. */
  dropEntries(named: Uint32Array): void {
    const [groupUses, policyUses] = [this.#groups, this.#policies];
    for (let at = 0; at < named.length; at += NAMED_WORDS) {
      groupUses[named[at]!]!--;
      groupUses[named[at + 1]!]!--;
      policyUses[named[at + 2]!]!--;
    }
  }

  /** Counts in or out what a group names. */
  countGroup({ slots, backup }: StoredGroup, by: 1 | -1): void {
    for (const { current, previous } of slots) {
      this.#nextHops[current]! += by;
      this.#nextHops[previous]! += by;
    }
    this.#nextHops[backup]! += by;
  }

  /** A new group, whose slots are words from `first` on. */
  addGroup(slots: Uint32Array, first: number, backup: NextHopIndex): void {
    for (let slot = first; slot < first + GROUP_SLOTS; slot++) {
      this.#nextHops[slots[slot]! & 0xffff]!++;
      this.#nextHops[slots[slot]! >>> 16]!++;
    }
    this.#nextHops[backup]!++;
  }
}
