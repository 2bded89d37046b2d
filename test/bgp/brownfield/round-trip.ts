import assert from "node:assert/strict";
import { seconds } from "../../../src/base/index.ts";
import { deriveRoute } from "../../../src/bgp/brownfield/index.ts";
import type { AttributeSet, SemanticAttribute } from "../../../src/rib/index.ts";
import { domain, HERE, mirrored } from "./samples.ts";

export const UNIQUE = 0;
export const ANYCAST = 1;

/** What comes out at the other end. */
export function roundTrip(
  set: AttributeSet,
  changes: (sent: AttributeSet) => AttributeSet = (sent) => sent,
  of = domain(),
) {
  const { addresses, set: sent } = mirrored(set, of);
  return deriveRoute(addresses[UNIQUE], changes(sent), HERE, of);
}

export function derived(...args: Parameters<typeof roundTrip>) {
  const route = roundTrip(...args);
  assert.ok(route.ok, route.ok ? "" : route.reason);
  return route;
}

export function uncritical(text: string) {
  return { text, critical: false };
}

export function leaseOf(validUntil: number): Pick<SemanticAttribute, "lease"> {
  return { lease: { sequence: BigInt(validUntil), validUntil: seconds(validUntil), renew: seconds(0) } };
}

export function without(set: AttributeSet, ...types: readonly number[]): AttributeSet {
  return { ...set, largeCommunities: set.largeCommunities.filter(({ data1 }) => !types.includes(data1)) };
}

export function sorted(attribute: SemanticAttribute): SemanticAttribute {
  return { ...attribute, labels: attribute.labels.toSorted((a, b) => (a.text < b.text ? -1 : 1)) };
}
