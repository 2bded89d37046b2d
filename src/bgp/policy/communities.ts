import { octetsEqual } from "../../base/index.ts";
import type { LargeCommunity, RouteLabel } from "../../rib/index.ts";
import type {
  Change,
  CommunityPattern,
  ExtendedCommunityPattern,
  Interval,
  LabelPattern,
  LargeCommunityPattern,
  MatchOption,
} from "./definition.ts";

const within = (number: number, { minimum, maximum }: Interval): boolean => number >= minimum && number <= maximum;

export function fitsCommunity(community: number, { administrator, value }: CommunityPattern): boolean {
  return within(community >>> 16, administrator) && within(community & 0xffff, value);
}

export function fitsLarge(community: LargeCommunity, pattern: LargeCommunityPattern): boolean {
  return (
    within(community.globalAdministrator, pattern.globalAdministrator) &&
    within(community.data1, pattern.data1) &&
    within(community.data2, pattern.data2)
  );
}

export function fitsExtended(community: Uint8Array, { forms }: ExtendedCommunityPattern): boolean {
  return forms.some(({ fields }) =>
    fields.every(({ at, octets, values }) => within(numberAt(community, at, octets), values)),
  );
}

function numberAt(octets: Uint8Array, at: number, length: number): number {
  let number = 0;
  for (let i = at; i < at + length; i++) number = number * 256 + octets[i]!;
  return number;
}

export function fitsLabel(label: RouteLabel, { text, critical }: LabelPattern): boolean {
  return label.text === text && (critical === undefined || label.critical === critical);
}

/** Whether what a route carries fits the members of a set. */
export function matchMembers<V, M>(
  carried: readonly V[],
  members: readonly M[],
  option: MatchOption,
  fits: (value: V, member: M) => boolean,
): boolean {
  if (option === "all") return members.every((member) => carried.some((value) => fits(value, member)));
  const one = carried.some((value) => members.some((member) => fits(value, member)));
  return option === "invert" ? !one : one;
}

/** What is carried after a change; the same array when it changes nothing. */
export function changed<V, P>(
  carried: readonly V[],
  change: Change<V, P>,
  kind: { readonly fits: (value: V, pattern: P) => boolean; readonly same: (a: V, b: V) => boolean },
): readonly V[] {
  switch (change.operation) {
    case "remove": {
      const kept = carried.filter((value) => !change.patterns.some((pattern) => kind.fits(value, pattern)));
      return kept.length === carried.length ? carried : kept;
    }
    case "add": {
      const missing = change.values.filter((value) => !carried.some((other) => kind.same(value, other)));
      return missing.length === 0 ? carried : [...carried, ...missing];
    }
    case "replace": {
      const { values } = change;
      const equal = values.length === carried.length && values.every((value, i) => kind.same(value, carried[i]!));
      return equal ? carried : values;
    }
  }
}

export const STANDARD = { fits: fitsCommunity, same: (a: number, b: number) => a === b };
export const EXTENDED = { fits: fitsExtended, same: octetsEqual };
export const LARGE = {
  fits: fitsLarge,
  same: (a: LargeCommunity, b: LargeCommunity) =>
    a.globalAdministrator === b.globalAdministrator && a.data1 === b.data1 && a.data2 === b.data2,
};
export const LABELS = {
  fits: fitsLabel,
  same: (a: RouteLabel, b: RouteLabel) => a.text === b.text && a.critical === b.critical,
};
