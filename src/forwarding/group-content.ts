import { MemberPlaces } from "./member-places.ts";
import { GROUP_SLOTS, type NextHopIndex, type SlotOwner } from "./plan.ts";
import { assignSlots } from "./slot-assignment.ts";
import type { GroupMember } from "./slot-claims.ts";
import { newOwners } from "./slot-owners.ts";

/** What a group is: two groups with the same content are one. */
export interface GroupContent {
  readonly current: Uint16Array;
  /**
   * Who has the flows that the data plane does not remember: equal to `current` where the slot is not in transition, 0 where its
   * transition fades out, so that they are `current`'s and only remembered ones stay elsewhere.
   */
  readonly previous: Uint16Array;
  readonly backup: NextHopIndex;
}

/** Who should serve. */
export interface GroupWish {
  readonly members: readonly GroupMember[];
  /** Not members, but alive: flows that they have may stay with them for the time of the transition. */
  readonly leaving: ReadonlySet<NextHopIndex>;
  /** Those of `leaving` that keep their flows for as long as they are in it. */
  readonly draining: ReadonlySet<NextHopIndex>;
  readonly backup: NextHopIndex;
}

export const NO_WISH: GroupWish = { members: [], leaving: new Set(), draining: new Set(), backup: 0 };
export const NO_CONTENT: GroupContent = {
  current: new Uint16Array(GROUP_SLOTS),
  previous: new Uint16Array(GROUP_SLOTS),
  backup: 0,
};

/** Who of a wish is a member, asked about the owners of slots. */
const MEMBERS = new MemberPlaces();

export function isEmpty({ current, previous }: GroupContent): boolean {
  for (let slot = 0; slot < GROUP_SLOTS; slot++) if (current[slot] !== 0 || previous[slot] !== 0) return false;
  return true;
}

/** The content that fulfils a wish, coming from `past`. */
export function contentFor(wish: GroupWish, past: GroupContent, seed: number): GroupContent {
  const current = assignSlots(wish.members, past.current, seed);
  if (isEmpty(past)) return { current, previous: current, backup: wish.backup };
  const previous = newOwners();
  MEMBERS.take(wish.members);
  const alive = (index: NextHopIndex): boolean => index !== 0 && (MEMBERS.of(index) >= 0 || wish.leaving.has(index));
  for (let slot = 0; slot < GROUP_SLOTS; slot++) {
    const now = current[slot]!;
    const was = past.current[slot]!;
    const before = past.previous[slot]!;
    // In an ongoing transition the pass remembers every flow that it sees; those that it has not seen are the older owner's,
    // who may be the new one again.
    const remembers = before !== was && was !== 0;
    if (before !== was && before !== now && alive(before)) previous[slot] = before;
    else if (was !== now && before !== now && alive(was)) previous[slot] = was;
    else previous[slot] = remembers ? 0 : now;
  }
  return { current, previous, backup: wish.backup };
}

/**
 * The content when unknown flows are the current owners', for all but those who keep theirs. A former owner that owns other
 * slots keeps the flows that are remembered; one that owns none would be forgotten with them, so it keeps its place.
 */
export function faded({ current, previous, backup }: GroupContent, lasting: ReadonlySet<NextHopIndex>): GroupContent {
  const owners = new Set(current);
  const fades = (owner: NextHopIndex, slot: number): boolean =>
    owner !== current[slot] && owners.has(owner) && !lasting.has(owner);
  return { current, previous: previous.map((owner, slot) => (fades(owner, slot) ? 0 : owner)), backup };
}

/** The content when the transition is over, for all but those who keep their flows. */
export function settled({ current, previous, backup }: GroupContent, lasting: ReadonlySet<NextHopIndex>): GroupContent {
  return { current, previous: previous.map((owner, slot) => (lasting.has(owner) ? owner : current[slot]!)), backup };
}

export type Stage = "holding" | "fading" | "settled";

/** How far the transition of a content has come. */
export function stageOf({ current, previous }: GroupContent, lasting: ReadonlySet<NextHopIndex>): Stage {
  if (previous === current) return "settled";
  let stage: Stage = "settled";
  for (let slot = 0; slot < GROUP_SLOTS; slot++) {
    const owner = previous[slot]!;
    if (owner === current[slot] || lasting.has(owner)) continue;
    if (owner !== 0) return "holding";
    stage = "fading";
  }
  return stage;
}

/** By next hop: the number of the latest content that named it. */
const NAMED = new Uint32Array(65_536);
let contents = 0;

/** Every next hop that the content names, once, in the order of `current`, `previous`, backup. */
export function namedBy({ current, previous, backup }: GroupContent): readonly NextHopIndex[] {
  contents = (contents + 1) >>> 0;
  if (contents === 0) {
    NAMED.fill(0);
    contents = 1;
  }
  NAMED[0] = contents; // nobody
  const named: NextHopIndex[] = [];
  const add = (owner: NextHopIndex): void => {
    if (NAMED[owner] === contents) return;
    NAMED[owner] = contents;
    named.push(owner);
  };
  for (const owner of current) add(owner);
  if (previous !== current) for (const owner of previous) add(owner);
  add(backup);
  return named;
}

/** Slots in which two contents differ; all of them when there is no old one. */
export function changedSlots(from: GroupContent | undefined, to: GroupContent): readonly SlotOwner[] {
  const changed: SlotOwner[] = [];
  for (let slot = 0; slot < GROUP_SLOTS; slot++) {
    const current = to.current[slot]!;
    const previous = to.previous[slot]!;
    if (from?.current[slot] === current && from.previous[slot] === previous) continue;
    changed.push({ slot, current, previous });
  }
  return changed;
}
