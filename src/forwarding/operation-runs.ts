import type { Ipv6Address } from "../base/index.ts";
import type { GroupContent } from "./group-content.ts";
import { type CapabilityRun, GROUP_SLOTS, type GroupIndex, type GroupRun } from "./plan.ts";
import type { PolicyIndex } from "./policy.ts";

type Writable<T> = { -readonly [P in keyof T]: T[P] };

const ADDRESS = 16;
const FIRST_ROOM = 64;

/** Entries of the capability table, to be handed over at once. Its memory is used again and again. */
export class CapabilityRunBuilder {
  #run: Writable<CapabilityRun> = capabilities(FIRST_ROOM);

  get count(): number {
    return this.#run.count;
  }

  /** The address is copied. */
  add(address: Ipv6Address, group: GroupIndex, localGroup: GroupIndex, policy: PolicyIndex): void {
    if (this.#run.count === this.#run.groups.length) this.#grow();
    const { count, addresses, groups, localGroups, policies } = this.#run;
    for (let i = 0; i < ADDRESS; i++) addresses[ADDRESS * count + i] = address[i]!;
    groups[count] = group;
    localGroups[count] = localGroup;
    policies[count] = policy;
    this.#run.count++;
  }

  #grow(): void {
    const { count, addresses, groups, localGroups, policies } = this.#run;
    this.#run = capabilities(2 * count);
    this.#run.count = count;
    this.#run.addresses.set(addresses);
    this.#run.groups.set(groups);
    this.#run.localGroups.set(localGroups);
    this.#run.policies.set(policies);
  }

  /** What was added, good until something is added again. */
  take(): CapabilityRun {
    const taken = { ...this.#run };
    this.#run.count = 0;
    return taken;
  }
}

function capabilities(room: number): CapabilityRun {
  return {
    ...{ count: 0, addresses: new Uint8Array(ADDRESS * room), groups: new Uint32Array(room) },
    ...{ localGroups: new Uint32Array(room), policies: new Uint32Array(room) },
  };
}

/** New groups, the same way. */
export class GroupRunBuilder {
  #run: Writable<GroupRun> = groupsOf(FIRST_ROOM);

  get count(): number {
    return this.#run.count;
  }

  add(group: GroupIndex, { current, previous, backup }: GroupContent): void {
    if (this.#run.count === this.#run.groups.length) this.#grow();
    const { count, groups, slots, backups } = this.#run;
    groups[count] = group;
    backups[count] = backup;
    const first = count * GROUP_SLOTS;
    for (let slot = 0; slot < GROUP_SLOTS; slot++) slots[first + slot] = current[slot]! | (previous[slot]! << 16);
    this.#run.count++;
  }

  #grow(): void {
    const { count, groups, slots, backups } = this.#run;
    this.#run = groupsOf(2 * count);
    this.#run.count = count;
    this.#run.groups.set(groups);
    this.#run.slots.set(slots);
    this.#run.backups.set(backups);
  }

  take(): GroupRun {
    const taken = { ...this.#run };
    this.#run.count = 0;
    return taken;
  }
}

function groupsOf(room: number): GroupRun {
  return {
    ...{ count: 0, groups: new Uint32Array(room), backups: new Uint32Array(room) },
    slots: new Uint32Array(GROUP_SLOTS * room),
  };
}
