import type { GroupContent } from "./group-content.ts";
import { GROUP_SLOTS, type GroupIndex, type GroupRun } from "./plan.ts";

type Writable<T> = { -readonly [P in keyof T]: T[P] };

const FIRST_ROOM = 64;

/** New groups, to be handed over at once. Its memory is used again and again. */
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

  /** What was added, good until something is added again. */
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
