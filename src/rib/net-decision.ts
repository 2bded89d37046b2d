import { type AttributeSet, type SetDigest, SetMark } from "./attributes.ts";
import type { PeerKind } from "./types.ts";

/** LLGR_STALE. @see RFC 9494 §4.6 */
const LLGR_STALE = 0xffff0006;
export const DEFAULT_LOCAL_PREF = 100;

/** One path of a net as the decision sees it. */
export interface PathFacts {
  set: AttributeSet;
  /** The capability rules allow it here: imported by a tenant, labels understood, lease running, not down. */
  eligible: boolean;
  kind: PeerKind;
  stale: boolean;
  /** Of the peer that it came from. */
  bgpIdentifier: number;
  /** Position of the peer's address among all peers' addresses. */
  addressOrder: number;
}

export interface NetStep {
  readonly name: string;
  readonly see: string;
  /** One more than the largest value; larger ones are cut. */
  readonly span: number;
  /** The smaller value is the better one. */
  value(path: PathFacts): number;
  /** For people. */
  describe(path: PathFacts): string;
}

const plain = (value: unknown): string => String(value);

/** Compared first. Except for `local-route` they depend on the attribute set alone, so their order is kept with each set as one number. */
export const LEADING_STEPS: readonly NetStep[] = [
  {
    name: "eligible",
    see: "RFC 4271 §9.1.2: what is not eligible is not compared; DESIGN 4.3",
    span: 2 ** 1,
    value: (path) => (path.eligible ? 0 : 1),
    describe: (path) => (path.eligible ? "eligible" : "not eligible"),
  },
  {
    name: "local-route",
    see: "RFC 4271 §9.1.1: what this router originates is not replaced by what it hears about it",
    span: 2 ** 1,
    value: (path) => (path.kind === "local" ? 0 : 1),
    describe: (path) => (path.kind === "local" ? "of this router" : "learnt"),
  },
  {
    name: "llgr-stale",
    see: "RFC 9494 §4.3: least preferred",
    span: 2 ** 1,
    value: (path) => (path.set.communities.includes(LLGR_STALE) ? 1 : 0),
    describe: (path) => (path.set.communities.includes(LLGR_STALE) ? "LLGR_STALE" : "not LLGR_STALE"),
  },
  {
    name: "local-preference",
    see: "RFC 4271 §9.1.2",
    span: 2 ** 32,
    value: (path) => 0xffffffff - localPreference(path.set),
    describe: (path) => plain(localPreference(path.set)),
  },
  {
    name: "as-path-length",
    see: "RFC 4271 §9.1.2.2 a); RFC 5065 §5.3",
    span: 2 ** 12,
    value: (path) => asPathLength(path.set),
    describe: (path) => plain(asPathLength(path.set)),
  },
  {
    name: "origin",
    see: "RFC 4271 §9.1.2.2 b)",
    span: 2 ** 2,
    value: (path) => ORIGINS.indexOf(path.set.origin),
    describe: (path) => path.set.origin,
  },
];

/** Between the other two: compared only among paths of one neighbouring AS. @see RFC 4271 §9.1.2.2 c) */
export const MED_STEP: NetStep = {
  name: "multi-exit-disc",
  see: "RFC 4271 §9.1.2.2 c)",
  span: 2 ** 32,
  value: (path) => path.set.multiExitDisc ?? 0,
  describe: (path) => plain(path.set.multiExitDisc ?? 0),
};

/** Compared last. Step e), interior cost, has no row: capability next hops are locators, and semrd does not see the IGP. */
export const LATE_STEPS: readonly NetStep[] = [
  {
    name: "external-peer",
    see: "RFC 4271 §9.1.2.2 d); RFC 5065 §5.3: a neighbour in the confederation is an internal one",
    span: 2 ** 1,
    value: (path) => (isInside(path.kind) ? 1 : 0),
    describe: (path) => path.kind,
  },
  {
    name: "stale",
    see: "RFC 4724 §4.2 keeps stale routes in use; of two equal ones the confirmed one is better",
    span: 2 ** 1,
    value: (path) => (path.stale ? 1 : 0),
    describe: (path) => (path.stale ? "stale" : "confirmed"),
  },
  {
    name: "router-id",
    see: "RFC 4271 §9.1.2.2 f); RFC 4456 §9: ORIGINATOR_ID in its place",
    span: 2 ** 32,
    value: (path) => path.set.originatorId ?? path.bgpIdentifier,
    describe: (path) => plain(path.set.originatorId ?? path.bgpIdentifier),
  },
  {
    name: "cluster-list-length",
    see: "RFC 4456 §9",
    span: 2 ** 6,
    value: (path) => path.set.clusterList?.length ?? 0,
    describe: (path) => plain(path.set.clusterList?.length ?? 0),
  },
  {
    name: "peer-address",
    see: "RFC 4271 §9.1.2.2 g)",
    span: 2 ** 13,
    value: (path) => path.addressOrder,
    describe: (path) => plain(path.addressOrder),
  },
];

export const ORIGINS: readonly AttributeSet["origin"][] = ["igp", "egp", "incomplete"];

/** Of this AS, or of this confederation. */
export function isInside(kind: PeerKind): boolean {
  return kind === "internal" || kind === "confederation";
}

export function localPreference(set: AttributeSet): number {
  return set.localPref ?? DEFAULT_LOCAL_PREF;
}

/** A set counts as one; confederation segments do not count. @see RFC 4271 §9.1.2.2 a); RFC 5065 §5.3 */
export function asPathLength(set: AttributeSet): number {
  let length = 0;
  for (const segment of set.asPath) {
    if (segment.type === "sequence") length += segment.numbers.length;
    else if (segment.type === "set") length += 1;
  }
  return length;
}

/** The AS that the path came from; 0 for a path of our own AS. @see RFC 4271 §9.1.2.2 c) */
export function neighbourAs(set: AttributeSet): number {
  const first = set.asPath.find((segment) => segment.type === "sequence" || segment.type === "set");
  return first?.type === "sequence" ? (first.numbers[0] ?? 0) : 0;
}

/** The values of consecutive steps in one number: the smaller one wins, as if they were compared one after the other. */
export function fold(steps: readonly NetStep[], path: PathFacts): number {
  let rank = 0;
  for (const step of steps) rank = rank * step.span + Math.min(step.value(path), step.span - 1);
  return rank;
}

/** What a folded rank of leading steps loses when the path is this router's own. */
export const LOCAL_GAIN = LEADING_STEPS.slice(2).reduce((product, step) => product * step.span, 1);

/** What a folded rank of leading steps gains when the set is not eligible. */
export const INELIGIBLE = LEADING_STEPS.slice(1).reduce((product, step) => product * step.span, 1);

/** The leading steps of a learnt path, folded: what `fold` says of them, without a set. */
export function leadingRank(digest: SetDigest, eligible: boolean): number {
  const stale = (digest.marks & SetMark.llgrStale) === 0 ? 2 : 3; // learnt, and then LLGR_STALE
  const preferred = stale * 2 ** 32 + (0xffffffff - digest.localPref);
  const rank = (preferred * 2 ** 12 + Math.min(digest.asPathLength, 2 ** 12 - 1)) * 2 ** 2 + digest.origin;
  return eligible ? rank : rank + INELIGIBLE;
}

/** The late steps, folded, the same way. */
export function lateRank(path: {
  readonly internal: boolean;
  readonly stale: boolean;
  readonly routerId: number;
  readonly clusterListLength: number;
  readonly addressOrder: number;
}): number {
  const confirmed = (path.internal ? 2 : 0) + (path.stale ? 1 : 0);
  const router = (confirmed * 2 ** 32 + path.routerId) * 2 ** 6 + Math.min(path.clusterListLength, 2 ** 6 - 1);
  return router * 2 ** 13 + Math.min(path.addressOrder, 2 ** 13 - 1);
}

/** Which step put `loser` out when `winner` won against all of `paths`. `undefined` when the two are equal in every step. */
export function losingStep(
  winner: PathFacts,
  loser: PathFacts,
  paths: readonly PathFacts[],
): { readonly step: NetStep; readonly against: PathFacts } | undefined {
  const differs = (step: NetStep, other: PathFacts): boolean => step.value(loser) !== step.value(other);
  for (const step of LEADING_STEPS) if (differs(step, winner)) return { step, against: winner };
  const rank = fold(LEADING_STEPS, loser);
  const better = lowestMed(
    paths.filter((other) => fold(LEADING_STEPS, other) === rank && neighbourAs(other.set) === neighbourAs(loser.set)),
  );
  if (better !== undefined && MED_STEP.value(better) < MED_STEP.value(loser))
    return { step: MED_STEP, against: better };
  for (const step of LATE_STEPS) if (differs(step, winner)) return { step, against: winner };
  return undefined;
}

/** The one that puts all others out, so that the reason does not depend on the order of arrival. */
function lowestMed(paths: readonly PathFacts[]): PathFacts | undefined {
  return paths.reduce<PathFacts | undefined>(
    (best, path) => (best === undefined || MED_STEP.value(path) < MED_STEP.value(best) ? path : best),
    undefined,
  );
}
