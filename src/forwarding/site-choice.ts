import type { CapabilityCandidate, CapabilitySelection } from "../rib/index.ts";
import { nextHopKey } from "./next-hop-table.ts";
import type { NextHop } from "./plan.ts";
import { HERE, type SiteWays, type WayId } from "./site-ways.ts";

/** A site of the group. */
export interface SiteMember {
  readonly originId: number;
  readonly nextHop: NextHop;
  readonly weight: number;
}

/** A site that is not in the group and yet alive. */
export interface LeavingSite {
  readonly nextHop: NextHop;
  readonly draining: boolean;
}

/** What the routes of all sites of a capability add up to. */
export interface SiteChoice {
  readonly sites: readonly SiteMember[];
  readonly leaving: readonly LeavingSite[];
  /** Another site, of a lower preference, for when the whole group is dead. */
  readonly reserve: NextHop | undefined;
  /** Sites that have a route and must not be used. */
  readonly refused: ReadonlySet<string>;
}

/** The step that excludes a site which is about to go. */
const DRAINING = "state-draining";
const USABLE = 1;
const DRAINS = 2;
/** Words of a member of the group, and of a candidate that is not in it. */
const MEMBER_WORDS = 3;
const OTHER_WORDS = 2;

const NOTHING: ReadonlySet<string> = new Set();
const NOBODY: readonly LeavingSite[] = [];

/**
 * A choice as words, which are the same for the same choice, and as what they mean.
 *
 *     | members | way, origin, weight: of each member | way, flags: of each other candidate |
 */
export class ChoiceWords {
  readonly #ways: SiteWays;
  words = new Int32Array(64);
  length = 0;

  constructor(ways: SiteWays) {
    this.#ways = ways;
  }

  /** Writes down all that a choice depends on. Weights have 31 bits. */
  write({ group, candidates }: Pick<CapabilitySelection, "group" | "candidates">): void {
    const most = 1 + MEMBER_WORDS * group.length + OTHER_WORDS * candidates.length;
    if (this.words.length < most) this.words = new Int32Array(2 * most);
    const { words } = this;
    words[0] = group.length;
    let at = 1;
    for (const member of group) {
      words[at++] = this.#wayOf(member);
      words[at++] = member.originId;
      words[at++] = member.weight;
    }
    for (const judged of candidates) {
      const { usable } = judged;
      if (judged.judgement !== "excluded" && usable) continue;
      words[at++] = this.#wayOf(judged.candidate);
      // The step of one that is not usable costs more to say than all of this.
      words[at++] = usable ? USABLE | (judged.step === DRAINING ? DRAINS : 0) : 0;
    }
    this.length = at;
  }

  #wayOf({ nextHop, local }: CapabilityCandidate): WayId {
    return local ? HERE : this.#ways.to(nextHop);
  }

  /** Every way that the words name, as often as they do. */
  static *ways(word: (at: number) => number, length: number): Generator<WayId> {
    const others = 1 + MEMBER_WORDS * word(0);
    for (let at = 1; at < length; at += at < others ? MEMBER_WORDS : OTHER_WORDS) yield word(at);
  }

  /** A site that is reached at our own locator without being ours would be a loop. */
  read(word: (at: number) => number, length: number): SiteChoice {
    const others = 1 + MEMBER_WORDS * word(0);
    const ways = this.#ways;
    const members = new Map<WayId, SiteMember>();
    for (let at = 1; at < others; at += MEMBER_WORDS) {
      const way = word(at);
      if (ways.isLoop(way)) continue;
      // Two origins at one locator are one next hop, with the weight of both.
      const twin = members.get(way);
      const weight = word(at + 2) + (twin?.weight ?? 0);
      const originId = twin?.originId ?? word(at + 1) >>> 0;
      members.set(way, { originId, nextHop: ways.nextHop(way), weight });
    }
    const sites = [...members.values()];
    if (others === length) return { sites, leaving: NOBODY, reserve: undefined, refused: NOTHING };
    const leaving = new Map<WayId, LeavingSite>();
    let reserve: NextHop | undefined;
    for (let at = others; at < length; at += OTHER_WORDS) {
      const [way, flags] = [word(at), word(at + 1)];
      if ((flags & USABLE) === 0 || members.has(way) || ways.isLoop(way)) continue;
      const nextHop = ways.nextHop(way);
      const draining = (flags & DRAINS) !== 0;
      leaving.set(way, { nextHop, draining: draining || leaving.get(way)?.draining === true });
      // Candidates come in the order of the steps that excluded them: who came further is better.
      if (!draining) reserve = nextHop;
    }
    const refused = new Set<string>();
    for (let at = others; at < length; at += OTHER_WORDS) {
      const way = word(at);
      if ((word(at + 1) & USABLE) === 0 && !members.has(way) && !leaving.has(way))
        refused.add(nextHopKey(ways.nextHop(way)));
    }
    return { sites, leaving: [...leaving.values()], reserve, refused };
  }
}
