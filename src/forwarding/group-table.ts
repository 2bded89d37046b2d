import { type Clock, type Milliseconds, milliseconds, type Timer } from "../base/index.ts";
import {
  changedSlots,
  contentKey,
  faded,
  type GroupContent,
  isEmpty,
  namedBy,
  type Stage,
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

/** Whoever points at a group: one side of a capability entry. */
export interface GroupUser {
  group: Group | undefined;
}

export interface Group {
  readonly index: GroupIndex;
  content: GroupContent;
  key: string;
  /** The wish that it was made for. */
  wish: string | undefined;
  readonly users: Set<GroupUser>;
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
  readonly batch: OperationBatch;
  readonly nextHops: NextHopTable;
  /** The user has to be looked at again. */
  readonly revisit: (user: GroupUser) => void;
  /** The batch has something to carry out. */
  readonly changed: () => void;
}

const HERE = { kind: "local" } as const;
const NOBODY: ReadonlySet<NextHopIndex> = new Set();
const SETTLED = { stage: "settled", until: undefined } as const;

/** Groups by content: capabilities with the same owners in the same slots share one. */
export class GroupTable {
  readonly #parts: GroupTableParts;
  readonly #pool: IndexPool;
  readonly #byKey = new Map<string, Group>();
  /** Groups that were made for a wish without a past, by that wish, for as long as their content is that. */
  readonly #byWish = new Map<string, Group>();
  readonly #byIndex = new Map<GroupIndex, Group>();
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
    this.#pool = new IndexPool(parts.limit, parts.quarantine);
  }

  get size(): number {
    return this.#byIndex.size;
  }

  get(index: GroupIndex): Group | undefined {
    return this.#byIndex.get(index);
  }

  adopt(index: GroupIndex, content: GroupContent): void {
    this.#pool.claim(index);
    this.#startTransition(this.#enter(index, content));
  }

  #enter(index: GroupIndex, content: GroupContent): Group {
    const key = contentKey(content);
    const group: Group = { index, content, key, wish: undefined, users: new Set(), lasting: new Set(), ...SETTLED };
    this.#byIndex.set(index, group);
    if (!this.#byKey.has(key)) this.#byKey.set(key, group);
    for (const nextHop of namedBy(content)) this.#parts.nextHops.retain(nextHop);
    this.#unused.add(group);
    return group;
  }

  /**
   * The same for a user without a past, whose wish leaves nobody behind: the content is the same for the same wish, so it is
   * made once for all who have it.
   */
  obtainFresh(user: GroupUser, wish: string, make: () => GroupContent): boolean {
    const known = this.#byWish.get(wish);
    if (known !== undefined) {
      this.join(user, known);
      return true;
    }
    if (!this.obtain(user, make(), NOBODY)) return false;
    const { group } = user;
    if (group?.stage === "settled" && group.wish === undefined) {
      group.wish = wish;
      this.#byWish.set(wish, group);
    }
    return true;
  }

  /** Points `user` at a group of this content: one that exists, its own changed in place, or a new one. False: the table is full. */
  obtain(user: GroupUser, content: GroupContent, lasting: ReadonlySet<NextHopIndex>): boolean {
    const key = contentKey(content);
    const own = user.group;
    if (own?.key === key) {
      this.#keep(own, lasting);
      return true;
    }
    let group = this.#byKey.get(key);
    if (group === undefined && own?.users.size === 1 && !this.#left.has(own)) {
      this.#change(own, content, key);
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

  join(user: GroupUser, group: Group): void {
    this.leave(user);
    user.group = group;
    group.users.add(user);
    this.#unused.delete(group);
  }

  leave(user: GroupUser): void {
    const { group } = user;
    if (group === undefined) return;
    group.users.delete(user);
    this.#left.add(group);
    if (group.users.size === 0) this.#unused.add(group);
    user.group = undefined;
  }

  #keep(group: Group, lasting: ReadonlySet<NextHopIndex>): void {
    if ([...lasting].some((nextHop) => !group.lasting.has(nextHop))) group.lasting = group.lasting.union(lasting);
  }

  #change(group: Group, content: GroupContent, key: string): void {
    const old = group.content;
    const { nextHops } = this.#parts;
    for (const nextHop of namedBy(content)) nextHops.retain(nextHop);
    for (const nextHop of namedBy(old)) nextHops.release(nextHop);
    this.#forgetKey(group);
    group.content = content;
    group.key = key;
    this.#byKey.set(key, group);
    this.#set(group, old);
  }

  #forgetKey(group: Group): void {
    if (group.wish !== undefined) this.#byWish.delete(group.wish);
    group.wish = undefined;
    if (this.#byKey.get(group.key) === group) this.#byKey.delete(group.key);
  }

  #set(group: Group, old: GroupContent | undefined): void {
    const { index, content } = group;
    const slots = changedSlots(old, content);
    const leadsHere = old !== undefined && this.#leadsHere(content);
    const operation = { type: "set-slots", group: index, slots, backup: content.backup } as const;
    this.#parts.batch.add(operation, leadsHere ? "leads-here" : "set-slots");
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
    const key = contentKey(content);
    if (key === group.key) return;
    if (this.#byKey.has(key) || isEmpty(content)) {
      for (const user of group.users) this.#parts.revisit(user);
      return;
    }
    this.#change(group, content, key);
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
      this.#byIndex.delete(group.index);
      this.#forgetKey(group);
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
