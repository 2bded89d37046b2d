import { capabilityId, formatIpv6 } from "../base/index.ts";
import {
  type OriginValidation,
  type PolicyActions,
  PolicyBook,
  type PolicyConditions,
  type PolicyDefinition,
  type SetMatch,
} from "../bgp/policy/index.ts";
import type {
  AddressPrefixConfiguration,
  ChangeConfiguration,
  ConditionsConfiguration,
  ExtendedCommunityMember,
  RouterConfiguration,
  SetMatchConfiguration,
  StatementConfiguration,
} from "../management/index.ts";

/**
 * The policies of the configuration, compiled; what says the same as in `before` is the same object as there.
 * @param origins what is known about who may originate what; by default, as in the book before
 */
export function policyBook(
  { routingPolicy, bgp }: RouterConfiguration,
  before?: PolicyBook,
  origins: OriginValidation | undefined = before?.facts.origins,
): PolicyBook {
  const sets = new SetTranslations();
  const definitions = routingPolicy.policies.map(
    ({ name, statements }): PolicyDefinition => ({
      name,
      statements: statements.map((statement) => ({
        name: statement.name,
        conditions: conditionsOf(statement.conditions, sets),
        actions: actionsOf(statement),
        result: statement.result,
      })),
    }),
  );
  return new PolicyBook(
    definitions,
    { localAs: bgp?.confederation?.identifier ?? bgp?.localAs ?? 0, ...(origins && { origins }) },
    before,
  );
}

/** A set stays one object, so that it is compiled once for all statements that name it. */
class SetTranslations {
  readonly #known = new Map<object, object>();

  of<From extends object, To extends object>(
    match: SetMatchConfiguration<From>,
    translate: (set: From) => To,
  ): SetMatch<To> {
    const set = (this.#known.get(match.set) as To | undefined) ?? translate(match.set);
    this.#known.set(match.set, set);
    return { set, option: match.option };
  }
}

function conditionsOf(conditions: ConditionsConfiguration, sets: SetTranslations): PolicyConditions {
  const { capabilities, neighbors, tenants, asPath, nextHops, ...others } = conditions;
  return {
    ...others,
    ...(capabilities && {
      capabilities: sets.of(capabilities, (set) => ({
        ids: set.capabilities.map(({ name, majorVersion }) => capabilityId(name, majorVersion)),
      })),
    }),
    ...(neighbors && { peers: sets.of(neighbors, (set) => ({ addresses: set.addresses.map(formatIpv6) })) }),
    ...(asPath && {
      asPath: sets.of(asPath, (set) => ({ members: set.members.map(({ tokens }) => tokens) })),
    }),
    ...(tenants && { routeTargets: tenants.flatMap(({ importTargets }) => importTargets) }),
    ...(nextHops && { nextHops: nextHops.map(mapped) }),
  };
}

/** Next hops of IPv4 are in mapped form inside the router. @see RFC 4291 §2.5.5.2 */
function mapped({ address, length }: AddressPrefixConfiguration): AddressPrefixConfiguration {
  if (address.length === 16) return { address, length };
  const wide = new Uint8Array(16);
  wide.set([0xff, 0xff, ...address], 10);
  return { address: wide, length: 96 + length };
}

function actionsOf({ actions }: StatementConfiguration): PolicyActions {
  const { communities, extendedCommunities, largeCommunities, labels, ...others } = actions;
  return {
    ...others,
    ...(communities && {
      communities: change(
        communities,
        ({ administrator, value }) => ((administrator.minimum << 16) | value.minimum) >>> 0,
      ),
    }),
    ...(extendedCommunities && { extendedCommunities: change(extendedCommunities, octetsOf) }),
    ...(largeCommunities && {
      largeCommunities: change(largeCommunities, ({ globalAdministrator, data1, data2 }) => ({
        globalAdministrator: globalAdministrator.minimum,
        data1: data1.minimum,
        data2: data2.minimum,
      })),
    }),
    ...(labels && { labels: change(labels, ({ text, critical = false }) => ({ text, critical })) }),
  };
}

function change<M, V>({ operation, members }: ChangeConfiguration<M>, read: (member: M) => V) {
  if (operation === "remove") return { operation, patterns: members };
  return { operation, values: members.map(read) };
}

/** The only community that fits. */
function octetsOf({ forms }: ExtendedCommunityMember): Uint8Array {
  const octets = new Uint8Array(8);
  for (const { at, octets: length, values } of forms[0]!.fields) {
    let rest = values.minimum;
    for (let i = at + length - 1; i >= at; i--) {
      octets[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }
  return octets;
}
