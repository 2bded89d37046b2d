import { type Clock, type Milliseconds, milliseconds, type Random, type Timer } from "../base/index.ts";
import { ContentIndex } from "./content-index.ts";
import type { EntryRecords, SideId } from "./entry-records.ts";
import {
  changedSlots,
  faded,
  type GroupContent,
  isEmpty,
  namedBy,
  type Stage,
  sameContent,
  settled,
  stageOf,
} from "./group-content.ts";
import { IndexPool } from "./index-pool.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import type { OperationBatch } from "./operation-batch.ts";
import type { GroupIndex, NextHopIndex } from "./plan.ts";

/**
 * For so long after a transition's hold, flows that the data plane remembers stay where they are: as long as a translator has
 * to remember an idle connection.
 * @see RFC 5382 REQ-5
 */
export const FLOW_MEMORY = milliseconds(7_440_000);

/** The group that a wish was made which depends on nothing that was before, and its content then. Group 0: none. */
export interface FreshWish {
  readonly group: GroupIndex;
  readonly version: number;
}

export interface Group {
  readonly index: GroupIndex;
  content: GroupContent;
  /** Of the content: no two that there ever were have the same one. */
  version: number;
  /** How many sides of entries use it, and the list of them. */
  users: number;
  firstUser: SideId;
  lastUser: SideId;
  /** Draining next hops: their flows stay with them when the transition of the others ends. */
  lasting: ReadonlySet<NextHopIndex>;
  stage: Stage;
  /** When the stage ends, on the monotonic clock. */
  until: number | undefined;
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
  /** The user has to be looked at again. */
  readonly revisit: (user: SideId) => void;
  /** The batch has something to carry out. */
  readonly changed: () => void;
}

const HERE = { kind: "local" } as const;
const NOBODY: ReadonlySet<NextHopIndex> = new Set();
export const NO_FRESH: FreshWish = { group: 0, version: 0 };
const SETTLED = { stage: "settled", until: undefined } as const;

/** Groups by content: capabilities with the same owners in the same slots share one. */
export class GroupTable {
  readonly #parts: GroupTableParts;
  readonly #pool: IndexPool;
  readonly #byContent: ContentIndex;
  readonly #byIndex: (Group | undefined)[] = [];
  #size = 0;
  #versions = 0;
  readonly #unused = new Set<Group>();
  /** Left by somebody within this step, whose entry in the data plane still names it: not to be changed in place. */
  readonly #left = new Set<Group>();
  /** Groups in transition, in the order in which the stages end. */
  readonly #holding = new Set<Group>();
  readonly #fading = new Set<Group>();
  #timer: Timer | undefined;
  #timerFor = Number.POSITIVE_INFINITY;

  constructor(parts: GroupTableParts) {
    this.#parts = parts;
    this.#byContent = new ContentIndex(parts.random);
    this.#pool = new IndexPool(parts.limit, parts.quarantine);
  }

  get size(): number {
    return this.#size;
  }

  get(index: GroupIndex): Group | undefined {
    return this.#byIndex[index];
  }

  /** What a side uses. */
  of(user: SideId): Group | undefined {
    return this.#byIndex[this.#parts.sides.groupOf(user)];
  }

  adopt(index: GroupIndex, content: GroupContent): void {
    this.#pool.claim(index);
    this.#startTransition(this.#enter(index, content));
  }

  #enter(index: GroupIndex, content: GroupContent): Group {
    const nobody = { users: 0, firstUser: 0, lastUser: 0, lasting: NOBODY };
    const group: Group = { index, content, version: ++this.#versions, ...nobody, ...SETTLED };
    this.#byIndex[index] = group;
    this.#size++;
    if (this.#byContent.find(content) === undefined) this.#byContent.add(index, content);
    for (const nextHop of namedBy(content)) this.#parts.nextHops.retain(nextHop);
    this.#unused.add(group);
    return group;
  }

  /** Points `user`, which has no group, at that of a wish. False: it is not there any more, or has another content. */
  joinFresh(user: SideId, { group: index, version }: FreshWish): boolean {
    const group = this.#byIndex[index];
    if (group === undefined || group.version !== version) return false;
    this.join(user, group);
    return true;
  }

  /** What others who have the wish of `user`, and no past either, may join. */
  freshOf(user: SideId): FreshWish {
    const group = this.of(user);
    return group === undefined ? NO_FRESH : { group: group.index, version: group.version };
  }

  /** Points `user` at a group of this content: one that exists, its own changed in place, or a new one. False: the table is full. */
  obtain(user: SideId, content: GroupContent, lasting: ReadonlySet<NextHopIndex>): boolean {
    const own = this.of(user);
    if (own !== undefined && sameContent(own.content, content)) {
      this.#keep(own, lasting);
      return true;
    }
    const same = this.#byContent.find(content);
    let group = same === undefined ? undefined : this.#byIndex[same];
    if (group === undefined && own?.users === 1 && !this.#left.has(own)) {
      this.#change(own, content);
      own.lasting = lasting;
      this.#startTransition(own);
      return true;
    }
    if (group === undefined) {
      const index = this.#pool.take(this.#parts.clock.monotonic());
      if (index === undefined) return false;
      group = this.#enter(index, content);
      this.#set(group, undefined);
    }
    this.join(user, group);
    this.#keep(group, lasting);
    this.#startTransition(group);
    return true;
  }

  join(user: SideId, group: Group): void {
    this.leave(user);
    const { sides } = this.#parts;
    sides.setGroup(user, group.index);
    sides.setPreviousUser(user, group.lastUser);
    sides.setNextUser(user, 0);
    if (group.lastUser === 0) group.firstUser = user;
    else sides.setNextUser(group.lastUser, user);
    group.lastUser = user;
    if (group.users++ === 0) this.#unused.delete(group);
  }

  leave(user: SideId): void {
    const group = this.of(user);
    if (group === undefined) return;
    const { sides } = this.#parts;
    const [next, previous] = [sides.nextUser(user), sides.previousUser(user)];
    if (next === 0) group.lastUser = previous;
    else sides.setPreviousUser(next, previous);
    if (previous === 0) group.firstUser = next;
    else sides.setNextUser(previous, next);
    sides.setGroup(user, 0);
    group.users--;
    this.#left.add(group);
    if (group.users === 0) this.#unused.add(group);
  }

  #keep(group: Group, lasting: ReadonlySet<NextHopIndex>): void {
    if ([...lasting].some((nextHop) => !group.lasting.has(nextHop))) group.lasting = group.lasting.union(lasting);
  }

  #change(group: Group, content: GroupContent): void {
    const old = group.content;
    const { nextHops } = this.#parts;
    for (const nextHop of namedBy(content)) nextHops.retain(nextHop);
    for (const nextHop of namedBy(old)) nextHops.release(nextHop);
    this.#byContent.remove(group.index);
    group.content = content;
    group.version = ++this.#versions;
    this.#byContent.add(group.index, content);
    this.#set(group, old);
  }

  #set(group: Group, old: GroupContent | undefined): void {
    const { index, content } = group;
    const { batch } = this.#parts;
    if (old === undefined && batch.addGroup(index, content)) return;
    const slots = changedSlots(old, content);
    const leadsHere = old !== undefined && this.#leadsHere(content);
    const operation = { type: "set-slots", group: index, slots, backup: content.backup } as const;
    batch.add(operation, leadsHere ? "leads-here" : "set-slots");
  }

  #leadsHere({ current, backup }: GroupContent): boolean {
    const here = this.#parts.nextHops.find(HERE);
    return here !== undefined && (backup === here || current.includes(here));
  }

  #startTransition(group: Group): void {
    this.#enterStage(group, stageOf(group.content, group.lasting));
  }

  #enterStage(group: Group, stage: Stage): void {
    this.#forgetStage(group);
    if (stage !== "settled") {
      const { clock, transitionHold } = this.#parts;
      const [lasts, waiting] = stage === "holding" ? [transitionHold, this.#holding] : [FLOW_MEMORY, this.#fading];
      Object.assign(group, { stage, until: clock.monotonic() + lasts });
      waiting.add(group);
    }
    this.#arm();
  }

  #forgetStage(group: Group): void {
    Object.assign(group, SETTLED);
    this.#holding.delete(group);
    this.#fading.delete(group);
  }

  #arm(): void {
    const firsts = [this.#holding, this.#fading].map(([first]) => first?.until ?? Number.POSITIVE_INFINITY);
    const next = Math.min(...firsts);
    if (next === this.#timerFor) return;
    this.#timer?.cancel();
    this.#timerFor = next;
    if (next === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#parts;
    this.#timer = clock.after(Math.max(0, next - clock.monotonic()) as Milliseconds, () => this.#endStages());
  }

  #endStages(): void {
    this.#timerFor = Number.POSITIVE_INFINITY;
    const now = this.#parts.clock.monotonic();
    const ended = (groups: ReadonlySet<Group>): Group[] => [...groups].filter(({ until }) => until! <= now);
    for (const group of ended(this.#fading)) this.#passOn(group, "settled");
    for (const group of ended(this.#holding)) this.#passOn(group, "fading");
    this.#arm();
  }

  /** The next stage, in place or, where another group has that content already, by those who use this one. */
  #passOn(group: Group, stage: Stage): void {
    this.#enterStage(group, stage);
    const content = this.past(group);
    if (sameContent(content, group.content)) return;
    if (this.#byContent.find(content) !== undefined || isEmpty(content)) {
      const { sides, revisit } = this.#parts;
      for (let user = group.firstUser; user !== 0; user = sides.nextUser(user)) revisit(user);
      return;
    }
    this.#change(group, content);
    this.#parts.changed();
  }

  /** What a user of the group starts from: its content, or what the end of its stage leaves of it. */
  past({ content, lasting, stage }: Group): GroupContent {
    if (stage === "holding") return content;
    return stage === "fading" ? faded(content, lasting) : settled(content, lasting);
  }

  /** At the end of a step: entries name the groups of their users again. */
  endStep(): void {
    this.#left.clear();
  }

  /** At the end of a step, before unused next hops are removed. */
  removeUnused(): void {
    const now = this.#parts.clock.monotonic();
    for (const group of this.#unused) {
      this.#byIndex[group.index] = undefined;
      this.#size--;
      this.#byContent.remove(group.index);
      this.#forgetStage(group);
      this.#pool.give(group.index, now);
      for (const nextHop of namedBy(group.content)) this.#parts.nextHops.release(nextHop);
      this.#parts.batch.add({ type: "remove-group", group: group.index });
    }
    this.#unused.clear();
  }

  close(): void {
    this.#timer?.cancel();
  }
}
