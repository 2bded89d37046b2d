import { octetsEqual } from "../../base/index.ts";
import type { AttributeSet, RouteLabel, SemanticAttribute } from "../../rib/index.ts";
import { prependBehindMembers } from "../wire/index.ts";
import { changed, EXTENDED, LABELS, LARGE, STANDARD } from "./communities.ts";
import type { PolicyActions } from "./definition.ts";
import type { OriginValidation } from "./origin-validation.ts";
import type { PolicyPeer } from "./policy.ts";

/** This router, as actions name it. */
export interface PolicyFacts {
  readonly localAs: number;
  /** Where no statement decides, take routes from and give them to other autonomous systems. Default false. @see RFC 8212 */
  readonly acceptExternal?: boolean;
  /** Absent: every route is not found. */
  readonly origins?: OriginValidation;
}

/** A set after one action; the same object when that changes nothing. */
export type SetChange = (set: AttributeSet, peer: PolicyPeer) => AttributeSet;

/** One row for each action. */
const ACTIONS: readonly ((actions: PolicyActions, facts: PolicyFacts) => SetChange | undefined)[] = [
  ({ localPref }) =>
    localPref === undefined ? undefined : (set) => (set.localPref === localPref ? set : { ...set, localPref }),
  ({ multiExitDisc }) =>
    multiExitDisc === undefined
      ? undefined
      : (set) => (set.multiExitDisc === multiExitDisc ? set : { ...set, multiExitDisc }),
  ({ communities: change }) =>
    change &&
    ((set) => {
      const communities = changed(set.communities, change, STANDARD);
      return communities === set.communities ? set : { ...set, communities };
    }),
  ({ extendedCommunities: change }) =>
    change &&
    ((set) => {
      const extendedCommunities = changed(set.extendedCommunities, change, EXTENDED);
      return extendedCommunities === set.extendedCommunities ? set : { ...set, extendedCommunities };
    }),
  ({ largeCommunities: change }) =>
    change &&
    ((set) => {
      const largeCommunities = changed(set.largeCommunities, change, LARGE);
      return largeCommunities === set.largeCommunities ? set : { ...set, largeCommunities };
    }),
  ({ prepend }, { localAs }) =>
    prepend &&
    ((set) => {
      let { asPath } = set;
      for (let i = 0; i < prepend.count; i++)
        asPath = prependBehindMembers(asPath, prepend.autonomousSystem ?? localAs);
      return { ...set, asPath };
    }),
  ({ nextHop }) =>
    nextHop &&
    ((set, { ownNextHop }) => (octetsEqual(set.nextHop, ownNextHop) ? set : { ...set, nextHop: ownNextHop })),
  ({ labels }) => labels && ((set) => withLabels(set, labels)),
];

function withLabels(set: AttributeSet, change: NonNullable<PolicyActions["labels"]>): AttributeSet {
  const { semantic } = set;
  if (semantic === undefined) return set;
  const labels = changed(withoutTexts(semantic, change), change, LABELS);
  return labels === semantic.labels ? set : { ...set, semantic: { ...semantic, labels } };
}

/** Labels that an addition takes the place of: the same text, critical where the new one is not, or the other way round. */
function withoutTexts(
  { labels }: SemanticAttribute,
  change: NonNullable<PolicyActions["labels"]>,
): readonly RouteLabel[] {
  if (change.operation !== "add") return labels;
  const replaced = (label: RouteLabel): boolean =>
    change.values.some(({ text, critical }) => text === label.text && critical !== label.critical);
  return labels.some(replaced) ? labels.filter((label) => !replaced(label)) : labels;
}

export function compileActions(actions: PolicyActions, facts: PolicyFacts): readonly SetChange[] {
  return ACTIONS.map((row) => row(actions, facts)).filter((change) => change !== undefined);
}
