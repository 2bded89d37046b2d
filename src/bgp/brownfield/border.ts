import type { AttributeSet } from "../../rib/index.ts";
import {
  ACCEPT,
  type Judgement,
  NO_EXPORT,
  type PolicyPeer,
  type RoutePolicy,
  reject,
  type Verdict,
} from "../policy/index.ts";
import { isSiteWord } from "./communities.ts";
import { type BrownfieldDomain, placeOf } from "./domain.ts";
import { Attached, markOf, RELAYED, withMark } from "./mark.ts";
import { withoutPayload } from "./payload.ts";

/** What a neighbour that brownfield routes go to is told about them. */
export interface BrownfieldSession {
  /** Routes of this router leave with NO_EXPORT. */
  readonly noExport: boolean;
  /** They carry the payload attribute, where the domain has a code for it. */
  readonly payload: boolean;
  /** Prefixes outside the domain are exchanged as well. */
  readonly otherPrefixes: boolean;
}

/** The border of one neighbour. `session`: undefined where it has nothing to do with brownfield. */
export interface BorderOptions {
  readonly domain: Pick<BrownfieldDomain, "prefix" | "payloadCode">;
  readonly session: BrownfieldSession | undefined;
  readonly bgpIdentifier: number;
  /** The operator's policy; undefined: capability routes pass, for others what holds without a policy. */
  readonly policy: RoutePolicy | undefined;
  /** What holds without a policy. */
  readonly otherwise: RoutePolicy;
}

const UNMARKED = reject("brownfield-unmarked");
const MARK_LOST = reject("brownfield-mark-lost");
const NOT_A_CAPABILITY = reject("brownfield-prefix-length");
const OTHER_PREFIX = reject("brownfield-other-prefix");
const NOT_BROWNFIELD = reject("brownfield-not-here");

/**
 * Import policy with the border in front: on a brownfield session a prefix of the domain is a /128 with the mark, on every
 * other session there is none. The operator's policy comes after it.
 */
export function importBorder(options: BorderOptions): RoutePolicy {
  const unmarked = (set: AttributeSet): Verdict => (set.largeCommunities.some(isSiteWord) ? MARK_LOST : UNMARKED);
  return border(options, (set, peer) =>
    markOf(set) === undefined ? unmarked(set) : (options.policy ?? acceptAny)(set, peer),
  );
}

/** Export policy with the border in front; routes of this router, and those that it relays, get what the session says. */
export function exportBorder(options: BorderOptions): RoutePolicy {
  const { session, bgpIdentifier, domain, policy = acceptAny } = options;
  return border(options, (set, peer) => {
    const mark = markOf(set);
    if (mark === undefined) return UNMARKED;
    const isOwn = mark.originId === bgpIdentifier && set.asPath.length === 0;
    const isSaidHere = isOwn || (mark.flags & RELAYED) !== 0;
    return isSaidHere && session !== undefined ? dressed(dress(set, session, domain), policy, peer) : policy(set, peer);
  });
}

const acceptAny = (): Verdict => ACCEPT;

/** Only IPv6 unicast has a border. */
function border(options: BorderOptions, inside: (set: AttributeSet, peer: PolicyPeer) => Judgement): RoutePolicy {
  const { domain, session, policy, otherwise } = options;
  const outside = policy ?? otherwise;
  const decide = (set: AttributeSet, peer: PolicyPeer): Judgement => {
    if (peer.family !== "ipv6-unicast") return outside(set, peer);
    let within: Judgement | undefined;
    let beyond: Judgement | undefined;
    return {
      verdict: "by-key",
      of(octets, start) {
        const place = placeOf(domain.prefix, octets, start);
        if (place === "outside") {
          beyond ??= session !== undefined && !session.otherPrefixes ? OTHER_PREFIX : outside(set, peer);
          return settle(beyond, octets, start);
        }
        if (session === undefined) return NOT_BROWNFIELD;
        if (place === "inside") return NOT_A_CAPABILITY;
        within ??= inside(set, peer);
        return settle(within, octets, start);
      },
    };
  };
  return Object.assign(decide, { looksAtPeer: outside.looksAtPeer !== false });
}

function settle(judgement: Judgement, octets: Uint8Array, start: number): Verdict {
  return judgement.verdict === "by-key" ? judgement.of(octets, start) : judgement;
}

/** The set as this session's neighbour gets it. */
function dress(
  set: AttributeSet,
  { noExport, payload }: BrownfieldSession,
  { payloadCode }: BorderOptions["domain"],
): AttributeSet {
  const isMarked = noExport && !set.communities.includes(NO_EXPORT);
  const communities = isMarked ? [...set.communities, NO_EXPORT] : set.communities;
  if (payload) return { ...set, communities };
  const mark = markOf(set)!;
  return {
    ...set,
    communities,
    // What is not attached must not be missed.
    extendedCommunities: withMark(set.extendedCommunities, { ...mark, flags: mark.flags & ~Attached.Payload }),
    opaque: withoutPayload(set, payloadCode),
  };
}

/** The policy's answer about a changed set, as one about the set as it was. */
function dressed(changed: AttributeSet, policy: RoutePolicy, peer: PolicyPeer): Judgement {
  const replaced = (verdict: Verdict): Verdict => {
    if (verdict.verdict !== "accept") return verdict;
    return { verdict: "replace", attributes: changed, ...(verdict.hits === undefined ? {} : { hits: verdict.hits }) };
  };
  const judgement = policy(changed, peer);
  if (judgement.verdict !== "by-key") return replaced(judgement);
  const known = new Map<Verdict, Verdict>();
  return {
    verdict: "by-key",
    of(octets, start) {
      const verdict = judgement.of(octets, start);
      const answer = known.get(verdict) ?? replaced(verdict);
      known.set(verdict, answer);
      return answer;
    },
  };
}
