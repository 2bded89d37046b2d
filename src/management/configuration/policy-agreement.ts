import type { ConfigurationFault } from "./error.ts";
import type {
  AsPathMember,
  CommunityMember,
  ExtendedCommunityMember,
  IntervalConfiguration,
  LargeCommunityMember,
  NamedSet,
  RoutingPolicyConfiguration,
} from "./policy.ts";

const POLICY = "/semrd-router:router/semrd-policy:routing-policy";

/** Why a member stands for nothing. */
type Doubt<M> = (member: M) => string | undefined;

const outside = (intervals: readonly IntervalConfiguration[], largest: number): string | undefined => {
  if (intervals.some(({ maximum }) => maximum > largest)) return `a number here is at most ${largest}`;
  if (intervals.some(({ minimum, maximum }) => minimum > maximum))
    return "the first number of a range is the lower one";
  return undefined;
};

const community: Doubt<CommunityMember> = ({ administrator, value }) => outside([administrator, value], 0xffff);
const large: Doubt<LargeCommunityMember> = ({ globalAdministrator, data1, data2 }) =>
  outside([globalAdministrator, data1, data2], 0xffffffff);
const extended: Doubt<ExtendedCommunityMember> = ({ forms }) =>
  forms.length > 0
    ? undefined
    : "no extended community is like this: the number has 16 bits behind an address or an AS above 65535, else 32, and " +
      "the first number of a range is the lower one";
const asPath: Doubt<AsPathMember> = ({ tokens }) =>
  outside(
    tokens.filter((token) => token !== "many"),
    0xffffffff,
  );

/** Numbers of sets and actions that no value can have, which patterns of a model cannot say. Pure. */
export function* policyDisagreements(policy: RoutingPolicyConfiguration): Iterable<ConfigurationFault> {
  const { definedSets, policies } = policy;
  yield* inSets("community", definedSets.communities, community);
  yield* inSets("ext-community", definedSets.extendedCommunities, extended);
  yield* inSets("large-community", definedSets.largeCommunities, large);
  yield* inSets("as-path", definedSets.asPaths, asPath);
  for (const { name: policyName, statements } of policies) {
    for (const { name, actions } of statements) {
      const place = `${POLICY}/policy-definitions/policy-definition[name='${policyName}']/statements/statement[name='${name}']/actions`;
      yield* inMembers(`${place}/set-community/value`, "community", actions.communities?.members, community);
      yield* inMembers(
        `${place}/set-ext-community/value`,
        "ext-community",
        actions.extendedCommunities?.members,
        extended,
      );
      yield* inMembers(
        `${place}/set-large-community/value`,
        "large-community",
        actions.largeCommunities?.members,
        large,
      );
    }
  }
}

function* inSets<M extends { readonly text: string }>(
  kind: string,
  sets: readonly NamedSet<M>[],
  doubt: Doubt<M>,
): Iterable<ConfigurationFault> {
  for (const { name, members } of sets) {
    yield* inMembers(`${POLICY}/defined-sets/${kind}-sets/${kind}-set[name='${name}']/member`, kind, members, doubt);
  }
}

function* inMembers<M extends { readonly text: string }>(
  place: string,
  kind: string,
  members: readonly M[] | undefined,
  doubt: Doubt<M>,
): Iterable<ConfigurationFault> {
  for (const member of members ?? []) {
    const reason = doubt(member);
    if (reason !== undefined) yield { path: `${place}[.='${member.text}']`, reason, tag: `bad-${kind}` };
  }
}
