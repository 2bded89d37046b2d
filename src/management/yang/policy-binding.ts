import type {
  ActionsConfiguration,
  CapabilitySetConfiguration,
  ChangeConfiguration,
  ConditionsConfiguration,
  LabelMember,
  NamedSet,
  NeighborSetConfiguration,
  PrefixSetConfiguration,
  RoutingPolicyConfiguration,
  SetMatchConfiguration,
  StatementConfiguration,
} from "../configuration/policy.ts";
import type { TaxonomyConfiguration, TenantConfiguration } from "../configuration/types.ts";
import type {
  Actions,
  AsPathSet,
  Conditions,
  DefinedSets,
  MatchCommunitySet,
  RoutingPolicy,
  Statement,
} from "../schema/instance/semrd-policy.ts";
import { asPathOf, communityOf, extendedCommunityOf, ipPrefixOf, largeCommunityOf } from "./policy-values.ts";
import { addressOf } from "./values.ts";

/** Routing policy with every name replaced by what it stands for. Pure; libyang has checked the names. */
export function bindRoutingPolicy(
  policy: RoutingPolicy | undefined,
  taxonomy: TaxonomyConfiguration,
  tenants: readonly TenantConfiguration[],
): RoutingPolicyConfiguration {
  const sets = bindSets(policy?.["defined-sets"] ?? {}, taxonomy);
  const { communities, extendedCommunities, largeCommunities, asPaths } = sets;
  return {
    definedSets: {
      communities: [...communities.values()],
      extendedCommunities: [...extendedCommunities.values()],
      largeCommunities: [...largeCommunities.values()],
      asPaths: [...asPaths.values()],
    },
    policies: (policy?.["policy-definitions"]?.["policy-definition"] ?? []).map(({ name, statements }) => ({
      name,
      statements: (statements?.statement ?? []).map((statement) => bindStatement(statement, sets, tenants)),
    })),
  };
}

type Sets = ReturnType<typeof bindSets>;

function bindSets(sets: DefinedSets, taxonomy: TaxonomyConfiguration) {
  const texts = <M>(
    list: readonly { readonly name: string; readonly member: readonly string[] }[] | undefined,
    read: (text: string) => M,
  ): Map<string, NamedSet<M>> => byName((list ?? []).map(({ name, member }) => ({ name, members: member.map(read) })));
  return {
    prefixes: byName(
      (sets["prefix-sets"]?.["prefix-set"] ?? []).map(
        ({ name, prefixes }): PrefixSetConfiguration => ({
          name,
          members: prefixes["prefix-list"].map((entry) => ({
            ...ipPrefixOf(entry["ip-prefix"]),
            lengths: { minimum: entry["mask-length-lower"], maximum: entry["mask-length-upper"] },
          })),
        }),
      ),
    ),
    capabilities: byName(
      (sets["capability-sets"]?.["capability-set"] ?? []).map((set): CapabilitySetConfiguration => {
        const { name, capability = [], "capability-prefix": below = [] } = set;
        const known = taxonomy.capabilities.filter(
          (entry) => capability.includes(entry.name) || below.some((prefix) => entry.name.startsWith(`${prefix}/`)),
        );
        return { name, capabilities: known.map(({ name: of, majorVersion }) => ({ name: of, majorVersion })) };
      }),
    ),
    neighbors: byName(
      (sets["neighbor-sets"]?.["neighbor-set"] ?? []).map(
        ({ name, address }): NeighborSetConfiguration => ({ name, addresses: address.map(addressOf) }),
      ),
    ),
    communities: texts(sets["community-sets"]?.["community-set"], communityOf),
    extendedCommunities: texts(sets["ext-community-sets"]?.["ext-community-set"], extendedCommunityOf),
    largeCommunities: texts(sets["large-community-sets"]?.["large-community-set"], largeCommunityOf),
    asPaths: byName((sets["as-path-sets"]?.["as-path-set"] ?? []).map(bindAsPathSet)),
    labels: byName(
      (sets["label-sets"]?.["label-set"] ?? []).map(
        ({ name, label }): NamedSet<LabelMember> => ({ name, members: label.map((entry) => ({ ...entry })) }),
      ),
    ),
  };
}

const byName = <S extends { readonly name: string }>(sets: readonly S[]): Map<string, S> =>
  new Map(sets.map((set) => [set.name, set]));

function bindAsPathSet(set: AsPathSet) {
  const members = [
    ...(set.member ?? []),
    ...(set.contains ?? []).map((as) => `* ${as} *`),
    ...(set["originated-by"] ?? []).map((as) => `* ${as}`),
    ...(set["neighbor-as"] ?? []).map((as) => `${as} *`),
  ];
  return { name: set.name, members: members.map(asPathOf) };
}

function bindStatement(
  statement: Statement,
  sets: Sets,
  tenants: readonly TenantConfiguration[],
): StatementConfiguration {
  return {
    name: statement.name,
    conditions: bindConditions(statement.conditions ?? {}, sets, tenants),
    actions: bindActions(statement.actions),
    result: RESULTS[statement.actions["policy-result"]],
  };
}

const RESULTS = {
  "accept-route": "accept",
  "reject-route": "reject",
  "next-statement": "next-statement",
  "next-policy": "next-policy",
} as const satisfies Record<Actions["policy-result"], StatementConfiguration["result"]>;

function bindConditions(
  conditions: Conditions,
  sets: Sets,
  tenants: readonly TenantConfiguration[],
): ConditionsConfiguration {
  const { family, tenant, score } = conditions;
  const named = <S>(
    known: ReadonlyMap<string, S>,
    name: string | undefined,
    match: { readonly "match-set-options": MatchCommunitySet["match-set-options"] } | undefined,
  ): SetMatchConfiguration<S> | undefined =>
    name === undefined || match === undefined
      ? undefined
      : { set: known.get(name)!, option: match["match-set-options"] }; // a leafref that libyang has checked
  const {
    "match-prefix-set": prefixes,
    "match-capability-set": capabilities,
    "match-neighbor-set": neighbors,
    "match-community-set": communities,
    "match-ext-community-set": extended,
    "match-large-community-set": large,
    "match-as-path-set": asPath,
    "match-label-set": labels,
  } = conditions;
  return present({
    prefixes: named(sets.prefixes, prefixes?.["prefix-set"], prefixes),
    capabilities: named(sets.capabilities, capabilities?.["capability-set"], capabilities),
    neighbors: named(sets.neighbors, neighbors?.["neighbor-set"], neighbors),
    communities: named(sets.communities, communities?.["community-set"], communities),
    extendedCommunities: named(sets.extendedCommunities, extended?.["ext-community-set"], extended),
    largeCommunities: named(sets.largeCommunities, large?.["large-community-set"], large),
    asPath: named(sets.asPaths, asPath?.["as-path-set"], asPath),
    labels: named(sets.labels, labels?.["label-set"], labels),
    families: family,
    tenants:
      tenant === undefined
        ? undefined
        : tenants
            .filter(({ name }) => tenant.includes(name))
            .map(({ name, importTargets }) => ({ name, importTargets })),
    asPathLength: conditions["as-path-length"],
    score,
    states: conditions["site-state"],
    nextHops: conditions["next-hop-in"]?.map(ipPrefixOf),
    rpkiStates: conditions["semrd-rpki:rpki-state"],
  });
}

function bindActions(actions: Actions): ActionsConfiguration {
  const change = <M>(
    set: { readonly options: "add" | "remove" | "replace"; readonly value: readonly string[] } | undefined,
    read: (text: string) => M,
  ): ChangeConfiguration<M> | undefined =>
    set === undefined ? undefined : { operation: set.options, members: set.value.map(read) };
  const { "set-as-path-prepend": prepend, "set-label": labels } = actions;
  return present({
    localPref: actions["set-local-preference"],
    multiExitDisc: actions["set-med"],
    communities: change(actions["set-community"], communityOf),
    extendedCommunities: change(actions["set-ext-community"], extendedCommunityOf),
    largeCommunities: change(actions["set-large-community"], largeCommunityOf),
    prepend:
      prepend === undefined
        ? undefined
        : {
            count: prepend["repeat-n"],
            ...(prepend.asn === undefined ? {} : { autonomousSystem: prepend.asn }),
          },
    nextHop: actions["set-next-hop"],
    labels:
      labels === undefined
        ? undefined
        : { operation: labels.options, members: labels.label.map((entry) => ({ ...entry })) },
  });
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** The members that are there. */
function present<T extends object>(members: T): Present<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>;
}
