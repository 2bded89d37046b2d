import { toHex } from "../../../src/base/index.ts";
import type {
  AsPathToken,
  Change,
  Interval,
  MatchOption,
  PolicyConditions,
  PolicyDefinition,
  PolicyPeer,
  PolicyStatement,
} from "../../../src/bgp/policy/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { FACTS, OWN } from "./world.ts";

/** What a policy says about one route, worked out the long way: no compiling, no sharing, no keys set apart. */
export function interpret(
  definitions: readonly PolicyDefinition[],
  set: AttributeSet,
  peer: PolicyPeer,
  key: Uint8Array,
): AttributeSet | "reject" {
  let now = set;
  for (const { statements } of definitions) {
    for (const statement of statements) {
      if (!holds(statement.conditions, now, peer, key)) continue;
      now = act(statement, now);
      if (statement.result === "accept") return now;
      if (statement.result === "reject") return "reject";
      if (statement.result === "next-policy") break;
    }
  }
  return peer.kind === "internal" ? now : "reject";
}

const inside = (n: number, { minimum, maximum }: Interval): boolean => minimum <= n && n <= maximum;

function fits<V, M>(values: readonly V[], members: readonly M[], option: MatchOption, one: (v: V, m: M) => boolean) {
  const found = members.map((member) => values.filter((value) => one(value, member)).length > 0);
  if (option === "all") return !found.includes(false);
  return found.includes(true) === (option === "any");
}

const bits = (octets: Iterable<number>, length: number): string =>
  [...octets]
    .map((octet) => octet.toString(2).padStart(8, "0"))
    .join("")
    .slice(0, length);

function holds(c: PolicyConditions, set: AttributeSet, peer: PolicyPeer, key: Uint8Array): boolean {
  const asked: boolean[] = [];
  if (c.prefixes) {
    const octets = peer.family === "ipv4-unicast" ? 4 : 16;
    const found =
      peer.family !== "capability" &&
      c.prefixes.set.members.some(({ address, length, lengths }) => {
        const long = key[0]!;
        if (address.length !== octets || long < length || !inside(long, lengths)) return false;
        return bits(key.subarray(1), length) === bits(address, length);
      });
    asked.push(found === (c.prefixes.option !== "invert"));
  }
  if (c.capabilities) {
    const found =
      peer.family === "capability" && c.capabilities.set.ids.map(toHex).includes(toHex(key.subarray(10, 26)));
    asked.push(found === (c.capabilities.option !== "invert"));
  }
  if (c.families) asked.push(c.families.includes(peer.family));
  if (c.peers) asked.push(c.peers.set.addresses.includes(peer.address) === (c.peers.option !== "invert"));
  if (c.routeTargets) {
    const carried = set.extendedCommunities.map(toHex);
    asked.push(c.routeTargets.map(toHex).some((target) => carried.includes(target)));
  }
  if (c.communities) {
    const { set: wanted, option } = c.communities;
    asked.push(
      fits(set.communities, wanted.members, option, (value, { administrator, value: low }) => {
        return inside(Math.floor(value / 65536), administrator) && inside(value % 65536, low);
      }),
    );
  }
  if (c.largeCommunities) {
    const { set: wanted, option } = c.largeCommunities;
    asked.push(
      fits(set.largeCommunities, wanted.members, option, (value, member) =>
        (["globalAdministrator", "data1", "data2"] as const).every((part) => inside(value[part], member[part])),
      ),
    );
  }
  if (c.extendedCommunities) {
    const { set: wanted, option } = c.extendedCommunities;
    asked.push(
      fits(set.extendedCommunities, wanted.members, option, (value, { forms }) =>
        forms.some(({ fields }) =>
          fields.every(({ at, octets, values }) =>
            inside(Number(`0x${toHex(value.subarray(at, at + octets))}`), values),
          ),
        ),
      ),
    );
  }
  if (c.asPath) {
    const { set: wanted, option } = c.asPath;
    const places = set.asPath.flatMap(({ type, numbers }): (readonly number[])[] =>
      type === "set" ? [numbers] : type === "sequence" ? numbers.map((n) => [n]) : [],
    );
    asked.push(fits([places], wanted.members, option, pathFits));
  }
  if (c.asPathLength) {
    let length = 0;
    for (const { type, numbers } of set.asPath) {
      if (type === "set") length += 1;
      if (type === "sequence") length += numbers.length;
    }
    asked.push(inside(length, c.asPathLength));
  }
  if (c.labels) {
    const { set: wanted, option } = c.labels;
    asked.push(
      fits(
        set.semantic?.labels ?? [],
        wanted.members,
        option,
        (label, { text, critical }) => label.text === text && (critical ?? label.critical) === label.critical,
      ),
    );
  }
  if (c.score) asked.push(set.semantic !== undefined && inside(set.semantic.score, c.score));
  if (c.states) asked.push(set.semantic !== undefined && c.states.includes(set.semantic.state));
  if (c.nextHops) {
    asked.push(c.nextHops.some(({ address, length }) => bits(address, length) === bits(set.nextHop, length)));
  }
  return !asked.includes(false);
}

/** By trying: a token that stands for many takes one place more, or none. */
function pathFits(places: readonly (readonly number[])[], [token, ...rest]: readonly AsPathToken[]): boolean {
  if (token === undefined) return places.length === 0;
  const [place, ...others] = places;
  if (token === "many") return pathFits(places, rest) || (place !== undefined && pathFits(others, [token, ...rest]));
  return (place?.some((n) => inside(n, token)) ?? false) && pathFits(others, rest);
}

function change<V, P>(
  values: readonly V[],
  todo: Change<V, P> | undefined,
  one: (v: V, p: P) => boolean,
): readonly V[] {
  if (todo === undefined) return values;
  if (todo.operation === "replace") return todo.values;
  if (todo.operation === "remove")
    return values.filter((value) => !todo.patterns.some((pattern) => one(value, pattern)));
  const known = values.map(text);
  return [...values, ...todo.values.filter((value) => !known.includes(text(value)))];
}

function text(value: unknown): string {
  if (value instanceof Uint8Array) return toHex(value);
  return typeof value === "object" && value !== null ? JSON.stringify(Object.entries(value).sort()) : String(value);
}

function act({ actions }: PolicyStatement, set: AttributeSet): AttributeSet {
  const { localPref, multiExitDisc, prepend, labels } = actions;
  const added = labels?.operation === "add" ? labels.values : [];
  const others = (set.semantic?.labels ?? []).filter(
    (label) => !added.some((value) => value.text === label.text && value.critical !== label.critical),
  );
  let asPath = set.asPath;
  for (let i = 0; i < (prepend?.count ?? 0); i++) {
    const isOutside = ({ type }: (typeof asPath)[number]): boolean => type === "sequence" || type === "set";
    const outside = asPath.findIndex(isOutside);
    const members = outside < 0 ? asPath : asPath.slice(0, outside);
    const [first, ...rest] = asPath.filter(isOutside);
    const number = prepend?.autonomousSystem ?? FACTS.localAs;
    const prepended: typeof asPath =
      first?.type === "sequence"
        ? [{ type: "sequence", numbers: [number, ...first.numbers] }, ...rest]
        : [{ type: "sequence", numbers: [number] }, ...(first ? [first] : []), ...rest];
    asPath = [...members, ...prepended];
  }
  return {
    ...set,
    ...(localPref === undefined ? {} : { localPref }),
    ...(multiExitDisc === undefined ? {} : { multiExitDisc }),
    asPath,
    communities: change(set.communities, actions.communities, (value, { administrator, value: low }) => {
      return inside(Math.floor(value / 65536), administrator) && inside(value % 65536, low);
    }),
    largeCommunities: change(set.largeCommunities, actions.largeCommunities, (value, member) =>
      (["globalAdministrator", "data1", "data2"] as const).every((part) => inside(value[part], member[part])),
    ),
    ...(actions.nextHop === undefined ? {} : { nextHop: OWN }),
    ...(set.semantic === undefined || labels === undefined
      ? {}
      : {
          semantic: {
            ...set.semantic,
            labels: change(
              others,
              labels,
              (label, pattern) =>
                label.text === pattern.text && (pattern.critical ?? label.critical) === label.critical,
            ),
          },
        }),
  };
}
