import { octetsEqual, prefixContains } from "../../base/index.ts";
import type { AttributeSet, RouteFamily } from "../../rib/index.ts";
import { asPathLength } from "../wire/index.ts";
import type { PolicyFacts } from "./actions.ts";
import { asPathElements, compileAsPathPattern } from "./as-path-pattern.ts";
import { fitsCommunity, fitsExtended, fitsLabel, fitsLarge, matchMembers } from "./communities.ts";
import type { CapabilitySet, Interval, PolicyConditions, PrefixSet, SetMatch } from "./definition.ts";
import { compileCapabilitySet, compilePrefixSet, type KeyTest } from "./key-sets.ts";
import { originOf, type RpkiState } from "./origin-validation.ts";
import type { PolicyPeer } from "./policy.ts";

/** Asked once for each attribute set. */
export type SetTest = (set: AttributeSet, peer: PolicyPeer) => boolean;

/** What a statement asks of the keys of a family that share a set: a test for each, or the same answer for all. */
export type KeyQuestion = (family: RouteFamily, set: AttributeSet) => KeyTest | boolean;

export interface CompiledConditions {
  readonly tests: readonly SetTest[];
  readonly keys: readonly KeyQuestion[];
  /** The answer differs from neighbour to neighbour. */
  readonly looksAtPeer: boolean;
  /** The answer changes when VRPs do. */
  readonly looksAtOrigin: boolean;
}

/** Sets that many statements name are compiled once. */
export class SetCompiler {
  readonly #prefixes = new Map<PrefixSet, (family: RouteFamily) => KeyTest | false>();
  readonly #capabilities = new Map<CapabilitySet, (family: RouteFamily) => KeyTest | false>();

  prefixes(match: SetMatch<PrefixSet>): KeyQuestion {
    return question(match, compiled(this.#prefixes, match.set, compilePrefixSet));
  }

  capabilities(match: SetMatch<CapabilitySet>): KeyQuestion {
    return question(match, compiled(this.#capabilities, match.set, compileCapabilitySet));
  }
}

function compiled<S, T>(known: Map<S, T>, set: S, compile: (set: S) => T): T {
  const made = known.get(set) ?? compile(set);
  known.set(set, made);
  return made;
}

function question<S>({ option }: SetMatch<S>, testOf: (family: RouteFamily) => KeyTest | false): KeyQuestion {
  if (option !== "invert") return testOf;
  const inverted = new Map<KeyTest, KeyTest>();
  return (family) => {
    const test = testOf(family);
    if (test === false) return true;
    const known = inverted.get(test) ?? ((octets, start) => !test(octets, start));
    inverted.set(test, known);
    return known;
  };
}

const within = (number: number, { minimum, maximum }: Interval): boolean => number >= minimum && number <= maximum;

/** One row for each condition, cheap ones first: what becomes of it, or `undefined` where it is not asked. */
const SET_CONDITIONS: readonly ((conditions: PolicyConditions) => SetTest | undefined)[] = [
  ({ families }) => families && ((_set, { family }) => families.includes(family)),
  ({ peers }) => {
    if (peers === undefined) return undefined;
    const addresses = new Set(peers.set.addresses);
    const wanted = peers.option !== "invert";
    return (_set, { address }) => addresses.has(address) === wanted;
  },
  ({ score }) => score && (({ semantic }) => semantic !== undefined && within(semantic.score, score)),
  ({ states }) => states && (({ semantic }) => semantic !== undefined && states.includes(semantic.state)),
  ({ asPathLength: length }) => length && (({ asPath }) => within(asPathLength(asPath), length)),
  ({ routeTargets }) =>
    routeTargets &&
    (({ extendedCommunities }) =>
      extendedCommunities.some((carried) => routeTargets.some((target) => octetsEqual(carried, target)))),
  ({ nextHops }) => nextHops && (({ nextHop }) => nextHops.some((prefix) => prefixContains(prefix, nextHop))),
  ({ communities: match }) =>
    match && (({ communities }) => matchMembers(communities, match.set.members, match.option, fitsCommunity)),
  ({ extendedCommunities: match }) =>
    match &&
    (({ extendedCommunities }) => matchMembers(extendedCommunities, match.set.members, match.option, fitsExtended)),
  ({ largeCommunities: match }) =>
    match && (({ largeCommunities }) => matchMembers(largeCommunities, match.set.members, match.option, fitsLarge)),
  ({ labels: match }) =>
    match && (({ semantic }) => matchMembers(semantic?.labels ?? [], match.set.members, match.option, fitsLabel)),
  ({ asPath: match }) => {
    if (match === undefined) return undefined;
    const patterns = match.set.members.map(compileAsPathPattern);
    return ({ asPath }) => {
      const elements = asPathElements(asPath);
      if (match.option === "all") return patterns.every((fits) => fits(elements));
      return patterns.some((fits) => fits(elements)) !== (match.option === "invert");
    };
  },
];

/** @see RFC 6811 §3 */
function originQuestion(states: readonly RpkiState[], { origins, localAs }: PolicyFacts): KeyQuestion {
  return (family, set) => {
    if (family === "capability") return false;
    if (origins === undefined) return states.includes("not-found");
    const origin = originOf(set, localAs);
    return (octets, start) => states.includes(origins(family, octets, start, origin));
  };
}

/** @throws {RangeError} for an AS path pattern that is too long */
export function compileConditions(
  conditions: PolicyConditions,
  sets: SetCompiler,
  facts: PolicyFacts,
): CompiledConditions {
  const { prefixes, capabilities, peers, rpkiStates } = conditions;
  return {
    tests: SET_CONDITIONS.map((row) => row(conditions)).filter((test) => test !== undefined),
    keys: [
      ...(prefixes === undefined ? [] : [sets.prefixes(prefixes)]),
      ...(capabilities === undefined ? [] : [sets.capabilities(capabilities)]),
      ...(rpkiStates === undefined ? [] : [originQuestion(rpkiStates, facts)]),
    ],
    looksAtPeer: peers !== undefined,
    looksAtOrigin: rpkiStates !== undefined,
  };
}
