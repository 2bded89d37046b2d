import type { Clock, Milliseconds, Random } from "../base/index.ts";
import { ContentIndex } from "./content-index.ts";
import type { EntryRecords, SideId } from "./entry-records.ts";
import { changedSlots, faded, type GroupContent, isEmpty, namedBy, settled, stageOf } from "./group-content.ts";
import { GroupStages } from "./group-stages.ts";
import { GroupStore } from "./group-store.ts";
import { IndexPool } from "./index-pool.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import type { OperationBatch } from "./operation-batch.ts";
import type { GroupIndex, NextHopIndex } from "./plan.ts";

/** The group that a wish was made which depends on nothing that was before, and its content then. Group 0: none. */
export interface FreshWish {
  readonly group: GroupIndex;
  readonly version: number;
}

export interface GroupTableParts {
  readonly limit: number;
  readonly quarantine: Milliseconds;
  readonly transitionHold: Milliseconds;
  readonly clock: Clock;
  readonly random: Random;
  readonly batch: OperationBatch;
  readonly nextHops: NextHopTable;
  readonly sides: EntryRecords;
  /** They have to be looked at again, soon. */
  readonly revisit: (users: Iterator<SideId>) => void;
  /** The batch has something to carry out. */
  readonly changed: () => void;
}

const HERE = { kind: "local" } as const;
export const NO_FRESH: FreshWish = { group: 0, version: 0 };

/** Groups by content: capabilities with the same owners in the same slots share one. */
export class GroupTable {
  readonly #parts: GroupTableParts;
  readonly #pool: IndexPool;
  readonly #store = new GroupStore();
  readonly #byContent: ContentIndex;
  readonly #stages: GroupStages;
  #size = 0;
  #versions = 0;
  readonly #unused = new Set<GroupIndex>();
  /** Left by somebody within this step, whose entry in the data plane still names it: not to be changed in place. */
  readonly #left = new Set<GroupIndex>();

  constructor(parts: GroupTableParts) {
    const { random, limit, quarantine, clock, transitionHold } = parts;
    this.#parts = parts;
    this.#byContent = new ContentIndex(this.#store, random);
    this.#pool = new IndexPool(limit, quarantine);
    this.#stages = new GroupStages({ clock, transitionHold, passOn: (group) => this.#passOn(group) });
  }

  get size(): number {
    return this.#size;
  }

  has(index: GroupIndex): boolean {
    return this.#store.has(index);
  }

  /** What a side uses; 0: none. */
  of(user: SideId): GroupIndex {
    return this.#parts.sides.groupOf(user);
  }

  /** The last of those who use a group, or 0: whoever joins it writes there. */
  lastUser(index: GroupIndex): SideId {
    return this.#store.lastUser(index);
  }

  adopt(index: GroupIndex, content: GroupContent): void {
    this.#pool.claim(index);
    this.#enter(index, content, this.#byContent.find(content) !== 0);
    this.#startTransition(index, content);
  }

  /** @param isTwin another one has this content, which has just been looked for */
  #enter(index: GroupIndex, content: GroupContent, isTwin: boolean): void {
    this.#store.put(index, this.#nextVersion(), content);
    this.#size++;
    if (!isTwin) this.#byContent.add(index);
    for (const nextHop of namedBy(content)) this.#parts.nextHops.retain(nextHop);
    this.#unused.add(index);
  }

  #nextVersion(): number {
    this.#versions = (this.#versions + 1) | 0 || 1;
    return this.#versions;
  }

  /** Points `user`, which has no group, at that of a wish. False: it is not there any more, or has another content. */
  joinFresh(user: SideId, group: GroupIndex, version: number): boolean {
    if (group === 0 || this.#store.version(group) !== version) return false;
    this.join(user, group);
    return true;
  }

  /** What others who have the wish of `user`, and no past either, may join. */
  freshOf(user: SideId): FreshWish {
    const group = this.of(user);
    return group === 0 ? NO_FRESH : { group, version: this.#store.version(group) };
  }

  /** Points `user` at a group of this content: one that exists, its own changed in place, or a new one. False: the table is full. */
  obtain(user: SideId, content: GroupContent, lasting: ReadonlySet<NextHopIndex>): boolean {
    const own = this.of(user);
    if (own !== 0 && this.#store.holds(own, content)) {
      this.#stages.keep(own, lasting);
      return true;
    }
    let group = this.#byContent.find(content);
    if (group === 0 && own !== 0 && this.#store.users(own) === 1 && !this.#left.has(own)) {
      this.#change(own, content);
      this.#stages.setLasting(own, lasting);
      this.#startTransition(own, content);
      return true;
    }
    if (group === 0) {
      const index = this.#pool.take(this.#parts.clock.monotonic());
      if (index === undefined) return false;
      group = index;
      this.#enter(group, content, false);
      this.#set(group, undefined, content);
    }
    this.join(user, group);
    this.#stages.keep(group, lasting);
    this.#startTransition(group, content);
    return true;
  }

  join(user: SideId, group: GroupIndex): void {
    this.leave(user);
    const { sides } = this.#parts;
    const store = this.#store;
    const last = store.lastUser(group);
    sides.setGroup(user, group);
    sides.setPreviousUser(user, last);
    sides.setNextUser(user, 0);
    if (last === 0) store.setFirstUser(group, user);
    else sides.setNextUser(last, user);
    store.setLastUser(group, user);
    const users = store.users(group);
    store.setUsers(group, users + 1);
    if (users === 0) this.#unused.delete(group);
  }

  leave(user: SideId): void {
    const group = this.of(user);
    if (group === 0) return;
    const { sides } = this.#parts;
    const store = this.#store;
    const [next, previous] = [sides.nextUser(user), sides.previousUser(user)];
    if (next === 0) store.setLastUser(group, previous);
    else sides.setPreviousUser(next, previous);
    if (previous === 0) store.setFirstUser(group, next);
    else sides.setNextUser(previous, next);
    sides.setGroup(user, 0);
    const users = store.users(group) - 1;
    store.setUsers(group, users);
    this.#left.add(group);
    if (users === 0) this.#unused.add(group);
  }

  #change(group: GroupIndex, content: GroupContent): void {
    const old = this.#store.content(group);
    const { nextHops } = this.#parts;
    for (const nextHop of namedBy(content)) nextHops.retain(nextHop);
    for (const nextHop of namedBy(old)) nextHops.release(nextHop);
    this.#byContent.remove(group);
    this.#store.put(group, this.#nextVersion(), content);
    this.#byContent.add(group);
    this.#set(group, old, content);
  }

  #set(group: GroupIndex, old: GroupContent | undefined, content: GroupContent): void {
    const { batch } = this.#parts;
    if (old === undefined && batch.addGroup(group, content)) return;
    const slots = changedSlots(old, content);
    const leadsHere = old !== undefined && this.#leadsHere(content);
    const operation = { type: "set-slots", group, slots, backup: content.backup } as const;
    batch.add(operation, leadsHere ? "leads-here" : "set-slots");
  }

  #leadsHere({ current, backup }: GroupContent): boolean {
    const here = this.#parts.nextHops.find(HERE);
    return here !== undefined && (backup === here || current.includes(here));
  }

  #startTransition(group: GroupIndex, content: GroupContent): void {
    this.#stages.enter(group, stageOf(content, this.#stages.lasting(group)));
  }

  /** The stage that has just begun, in place or, where another group has that content already, by those who use this one. */
  #passOn(group: GroupIndex): void {
    const content = this.past(group);
    if (this.#store.holds(group, content)) return;
    if (this.#byContent.find(content) !== 0 || isEmpty(content)) {
      this.#parts.revisit(this.#usersOf(group));
      return;
    }
    this.#change(group, content);
    this.#parts.changed();
  }

  /** Bears that some leave meanwhile: where it was at one of them, it begins anew. */
  *#usersOf(group: GroupIndex): Generator<SideId> {
    const { sides } = this.#parts;
    for (let user = this.#store.firstUser(group); user !== 0; ) {
      yield user;
      user = sides.groupOf(user) === group ? sides.nextUser(user) : this.#store.firstUser(group);
    }
  }

  /** What a user of the group starts from: its content, or what the end of its stage leaves of it. */
  past(group: GroupIndex): GroupContent {
    const content = this.#store.content(group);
    const stage = this.#stages.of(group);
    if (stage === "holding") return content;
    const lasting = this.#stages.lasting(group);
    return stage === "fading" ? faded(content, lasting) : settled(content, lasting);
  }

  /** At the end of a step: entries name the groups of their users again. */
  endStep(): void {
    this.#left.clear();
  }

  /** Some that nobody uses are left. */
  get hasUnused(): boolean {
    return this.#unused.size > 0;
  }

  /** At the end of a step, before unused next hops are removed; at most `most`. */
  removeUnused(most: number): void {
    if (this.#unused.size === 0) return;
    const { clock, nextHops, batch } = this.#parts;
    const now = clock.monotonic();
    for (const group of this.#unused.values().take(most)) {
      this.#unused.delete(group);
      for (const nextHop of namedBy(this.#store.content(group))) nextHops.release(nextHop);
      this.#byContent.remove(group);
      this.#stages.forget(group);
      this.#store.remove(group);
      this.#size--;
      this.#pool.give(group, now);
      batch.add({ type: "remove-group", group });
    }
  }

  close(): void {
    this.#stages.close();
  }
}
