import type { AttributeStore } from "./attribute-store.ts";
import { originIdAt } from "./capability-key.ts";
import { GROUP_STEPS, WINNER_STEPS } from "./capability-steps.ts";
import type { NetStore } from "./net-store.ts";
import { recordOf, setIn, tagIn } from "./path-record.ts";
import type { PathTags } from "./path-tags.ts";
import {
  BANDWIDTH_WEIGHT,
  FLAGS,
  factsOf,
  IS_DRAINING,
  IS_ELIGIBLE,
  IS_LLGR_STALE,
  IS_UNUSUAL,
  LENGTH_AND_CLASSES,
  LOCAL_PREFERENCE,
  NEXT_HOP,
  PREFERENCE_FLAGS,
  SCORE_SHIFT,
} from "./set-facts.ts";
import type { DecidedRoute, JudgedRoute, SiteDecision } from "./site-decision.ts";
import type { NetId } from "./types.ts";
import { LOCAL_PEER } from "./types.ts";
import { shareOf, type WeightSource } from "./weight.ts";

const NAMES = [...GROUP_STEPS, ...WINNER_STEPS].map(({ name }) => name);
const placeOf = (name: string): number => NAMES.indexOf(name);
const LLGR_STALE = placeOf("llgr-stale");
const STATE_DRAINING = placeOf("state-draining");
const LOCAL_PREF = placeOf("local-preference");
const AS_PATH_LENGTH = placeOf("as-path-length");
const SCORE = placeOf("score");
const COST_CLASS = placeOf("cost-class");
const LOCAL_SITE = placeOf("local-site");
const STALE = placeOf("stale");
const ROUTER_ID = placeOf("router-id");
const ONLY_CANDIDATE = NAMES.length;
const UNKNOWN = -1;
/** The steps by their number in a decision. */
export const DECIDING_STEPS: readonly string[] = [...NAMES, "only-candidate"];

export interface SiteChooserParts {
  readonly store: NetStore;
  readonly attributes: AttributeStore;
  readonly tags: PathTags;
  readonly weights: WeightSource;
  readonly networkCostWeight: number;
}

/**
 * Decides about the sites of a capability what `judge` decides by `SITE_RULES`, from the facts of sets and without making an object. It
 * leaves to `judge` what is rare.
 */
export class SiteChooser {
  readonly #parts: SiteChooserParts;
  /** Routes that may be used, in the order of their origins; `#racers` of them. */
  readonly #racing: DecidedRoute[] = [];
  #racers = 0;

  constructor(parts: SiteChooserParts) {
    this.#parts = parts;
  }

  /**
   * Decides into `decision`, in which tenant and capability are written already. False: `judge` has to decide, and `decision` means
   * nothing.
   *
   * @param nets whose best paths are the candidates; the first `imported` of them carry a route target of the tenant
   */
  choose(decision: SiteDecision, nets: Int32Array, count: number, imported: number): boolean {
    this.#racers = 0;
    for (let i = 0; i < count; i++) {
      const route = decision.route(i);
      this.#read(route, nets[i]!);
      if ((route.flags & IS_UNUSUAL) !== 0) return false;
      route.imported = i < imported;
      const { judged } = route;
      judged.judgement = "excluded";
      judged.usable = route.imported && (route.flags & IS_ELIGIBLE) !== 0;
      judged.stepAt = UNKNOWN;
      if (judged.usable && !this.#enter(route)) return false;
    }
    const { group } = decision;
    if (this.#racers > 0) this.#chooseGroup(group);
    else truncate(group, 0);
    this.#share(decision, count);
    decision.winner = group.length === 0 ? undefined : this.#chooseWinner(group);
    this.#order(decision, count);
    return true;
  }

  #read(route: DecidedRoute, net: NetId): void {
    const { store, attributes, tags, networkCostWeight } = this.#parts;
    const record = recordOf(net);
    const set = setIn(store.nets, record);
    const tag = tagIn(store.nets, record);
    const { words } = attributes.judged.facts;
    const at = factsOf(set);
    const flags = words[at + FLAGS]!;
    const classes = words[at + LENGTH_AND_CLASSES]!;
    const score = flags >>> SCORE_SHIFT;
    route.net = net;
    route.attributes = set;
    route.originId = originIdAt(store.keyOctets, store.keyStart(net));
    route.peer = tag & 0xffff;
    route.local = route.peer === LOCAL_PEER;
    route.stale = tags.isStale(tag);
    for (let i = 0; i < 4; i++) route.nextHopWords[i] = words[at + NEXT_HOP + i]!;
    route.flags = flags;
    route.localPreference = words[at + LOCAL_PREFERENCE]! >>> 0;
    route.pathLength = classes & 0xffff;
    route.cost = networkCostWeight * ((classes >>> 16) & 0xff) - score;
    route.costClass = classes >>> 24;
    route.bandwidth = words[at + BANDWIDTH_WEIGHT]!;
    route.score = score;
  }

  /** False where one of the same origin is among them: whether another family brings it, or which of two it is, `judge` knows. */
  #enter(route: DecidedRoute): boolean {
    const racing = this.#racing;
    let at = this.#racers++;
    for (; at > 0 && racing[at - 1]!.originId >= route.originId; at--) {
      if (racing[at - 1]!.originId === route.originId) return false;
      racing[at] = racing[at - 1]!;
    }
    racing[at] = route;
    return true;
  }

  /** Those that are equal in every step of the group; the others are excluded by the first step in which they are not. */
  #chooseGroup(group: DecidedRoute[]): void {
    const racing = this.#racing;
    let best = racing[0]!;
    for (let i = 1; i < this.#racers; i++) if (comparePreference(racing[i]!, best) < 0) best = racing[i]!;
    let members = 0;
    for (let i = 0; i < this.#racers; i++) {
      const route = racing[i]!;
      route.judged.stepAt = preferenceStep(route, best);
      if (route.judged.stepAt !== UNKNOWN) continue;
      route.judged.judgement = "group";
      put(group, members++, route);
    }
    truncate(group, members);
  }

  /** The best of a group; the others stay in it, with the first step in which they are not as good. */
  #chooseWinner(group: readonly DecidedRoute[]): DecidedRoute {
    let winner = group[0]!;
    for (let i = 1; i < group.length; i++) if (compareMerit(group[i]!, winner) < 0) winner = group[i]!;
    for (let i = 0; i < group.length; i++) {
      const route = group[i]!;
      if (route !== winner) route.judged.stepAt = meritStep(route, winner);
    }
    let decisive = UNKNOWN;
    for (let i = 0; i < this.#racers; i++) decisive = Math.max(decisive, this.#racing[i]!.judged.stepAt);
    winner.judged.judgement = "winner";
    winner.judged.stepAt = decisive === UNKNOWN ? ONLY_CANDIDATE : decisive;
    return winner;
  }

  /** Bandwidths and scores cannot be compared: unless every member of the group says a bandwidth, scores are the shares. */
  #share(decision: SiteDecision, count: number): void {
    const { weights } = this.#parts;
    const { group } = decision;
    let saying = 0;
    for (let i = 0; i < group.length; i++) if (group[i]!.bandwidth !== 0) saying++;
    const isMixed = group.length > 1 && saying > 0 && saying < group.length;
    for (let i = 0; i < count; i++) {
      const route = decision.route(i);
      const usesBandwidth = weights === "link-bandwidth" && !isMixed && route.bandwidth !== 0;
      route.weight = weights === "equal" ? 1 : usesBandwidth ? route.bandwidth : shareOf(route.score);
    }
  }

  /** The winner, the group, those that may not be used as they came, and those that are worse; by the steps that decided, then by origin. */
  #order(decision: SiteDecision, count: number): void {
    const { candidates, group, winner } = decision;
    let placed = 0;
    if (winner !== undefined) put(candidates, placed++, winner.judged);
    let first = placed;
    for (let i = 0; i < group.length; i++)
      if (group[i] !== winner) insert(candidates, first, placed++, group[i]!.judged);
    for (let i = 0; i < count; i++) {
      const { judged } = decision.route(i);
      if (!judged.usable) put(candidates, placed++, judged);
    }
    first = placed;
    for (let i = 0; i < this.#racers; i++) {
      const { judged } = this.#racing[i]!;
      if (judged.judgement === "excluded") insert(candidates, first, placed++, judged);
    }
    truncate(candidates, placed);
  }
}

function comparePreference(a: DecidedRoute, b: DecidedRoute): number {
  return (
    (a.flags & PREFERENCE_FLAGS) - (b.flags & PREFERENCE_FLAGS) ||
    b.localPreference - a.localPreference ||
    a.pathLength - b.pathLength
  );
}

/** The first step of the group in which they differ. */
function preferenceStep(a: DecidedRoute, b: DecidedRoute): number {
  const differing = a.flags ^ b.flags;
  if ((differing & IS_LLGR_STALE) !== 0) return LLGR_STALE;
  if ((differing & IS_DRAINING) !== 0) return STATE_DRAINING;
  if (a.localPreference !== b.localPreference) return LOCAL_PREF;
  return a.pathLength === b.pathLength ? UNKNOWN : AS_PATH_LENGTH;
}

function compareMerit(a: DecidedRoute, b: DecidedRoute): number {
  return (
    a.cost - b.cost ||
    a.costClass - b.costClass ||
    Number(b.local) - Number(a.local) ||
    Number(a.stale) - Number(b.stale) ||
    a.originId - b.originId
  );
}

/** The first step for the winner in which they differ. */
function meritStep(a: DecidedRoute, b: DecidedRoute): number {
  if (a.cost !== b.cost) return SCORE;
  if (a.costClass !== b.costClass) return COST_CLASS;
  if (a.local !== b.local) return LOCAL_SITE;
  return a.stale === b.stale ? ROUTER_ID : STALE;
}

/** At a place of an array that is not shorter: arrays grow to what they need and stay. */
function put<T>(array: T[], at: number, value: T): void {
  if (at < array.length) array[at] = value;
  else array.push(value);
}

/** Behind those from `first` on that were decided by an earlier step, or by the same. */
function insert(candidates: JudgedRoute[], first: number, end: number, judged: JudgedRoute): void {
  put(candidates, end, judged);
  let at = end;
  for (; at > first && candidates[at - 1]!.stepAt > judged.stepAt; at--) candidates[at] = candidates[at - 1]!;
  candidates[at] = judged;
}

function truncate<T>(array: T[], length: number): void {
  while (array.length > length) array.pop();
}
