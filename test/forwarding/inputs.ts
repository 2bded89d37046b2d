import fc from "fast-check";
import type { CapabilityName } from "../../src/base/index.ts";
import type { Encapsulation, TenantPolicy } from "../../src/forwarding/index.ts";
import { type Forwarding, instance, locator, type SiteInput, selection, TRANSITION_HOLD } from "./world.ts";

/** Three capabilities of tenant 1. */
export const NAMES = ["/vision/ocr", "/vision/faces", "/audio/speech"] as CapabilityName[];

const site = fc.record({
  site: fc.integer({ min: 1, max: 5 }),
  weight: fc.integer({ min: 1, max: 6 }),
  as: fc.constantFrom("group", "group", "group", "draining", "less-preferred", "down"),
} as const);
const name = fc.constantFrom(...NAMES);
const sites = fc.uniqueArray(site, { maxLength: 5, selector: ({ site: number }) => number });
const number = fc.integer({ min: 1, max: 6 });
const state = fc.constantFrom("up", "up", "down", "draining" as const);

const encapsulation: fc.Arbitrary<Encapsulation | undefined> = fc.constantFrom(
  undefined,
  { kind: "segments", waypoints: [locator(9)] },
  { kind: "segments", waypoints: [locator(9), locator(8)] },
  { kind: "vxlan", vni: 7, destination: new Uint8Array(6).fill(2), source: new Uint8Array(6).fill(4) },
);
const tunnels = fc.uniqueArray(
  fc
    .tuple(fc.integer({ min: 2, max: 5 }), encapsulation, fc.constantFrom(undefined, 7, 8))
    .map(([which, wrapping, vni]) => ({
      locator: locator(which),
      ...(wrapping === undefined ? {} : { encapsulation: wrapping }),
      ...(vni === undefined ? {} : { vni }),
    })),
  { selector: ({ locator: of }) => of.join(), maxLength: 4 },
);

/** Something that the compiler is told. */
export const input = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("selection" as const), name, sites }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("instance" as const),
      number,
      weight: fc.integer({ min: 1, max: 5 }),
      state,
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("state" as const), number, state }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("remove" as const), number }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("taxonomy" as const),
      names: fc.subarray(NAMES),
      affinity: fc.constantFrom(undefined, "address", "connection", "none" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("nodes" as const), nodes: fc.subarray([2, 3, 4]) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("tunnels" as const), tunnels }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("wait" as const),
      span: fc.constantFrom(0, 1000, TRANSITION_HOLD, 100_000),
    }),
  },
);

/** Prefixes of the names, of which some stand for addresses that nobody has. */
const prefix = fc.constantFrom("/", "/vision", "/audio", "/vision/ocr");
const policies: fc.Arbitrary<readonly TenantPolicy[]> = fc
  .record({
    names: fc.subarray(NAMES),
    prefixes: fc.subarray(["/", "/vision"]),
    from: fc.constantFrom([], [2], [2], [3]),
    limited: fc.constantFrom([], ...NAMES.map((of) => [of])),
    configured: fc.constantFrom(true, true, true, false),
  })
  .map(({ names, prefixes, from, limited, configured }) => {
    const packets = { perSecond: 1e9, burst: 1e6 };
    const terms = limited.map((of) => ({ names: [of], prefixes: [], counted: true, packets, dscp: 10 }));
    return configured ? [{ tenantIndex: 1, rules: [{ names, prefixes, from }], capabilities: terms }] : [];
  });

/** The same, and what concerns whole families and other tenants. */
export const anyInput = fc.oneof(
  { weight: 12, arbitrary: input },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("prefix" as const), prefix, sites }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("policies" as const), policies }) },
);
export type Input = typeof anyInput extends fc.Arbitrary<infer T> ? T : never;

/** Instances 1 to 6 offer the three capabilities in turn. */
export const instanceOf = (n: number, weight = 1) => instance({ number: n, weight, name: NAMES[n % 3]! });

export function feed({ compiler, clock }: Forwarding, step: Input): void {
  switch (step.type) {
    case "selection":
      compiler.capabilityChanged(selection(step.name, step.sites as SiteInput[]));
      break;
    case "instance":
      compiler.instanceAdded(instanceOf(step.number, step.weight), step.state);
      break;
    case "state":
      compiler.instanceState(instanceOf(step.number).id, step.state);
      break;
    case "remove":
      compiler.instanceRemoved(instanceOf(step.number));
      break;
    case "taxonomy":
      compiler.taxonomy(
        step.names.map((name) => {
          return { tenantIndex: 1, name, majorVersion: 1, ...(step.affinity && { affinity: step.affinity }) };
        }),
      );
      break;
    case "nodes":
      compiler.nodes(step.nodes.map(locator));
      break;
    case "tunnels":
      compiler.tunnels(step.tunnels);
      break;
    case "prefix": {
      const { tenantIndex, group, winner, candidates } = selection(NAMES[0]!, step.sites as SiteInput[]);
      compiler.prefixChanged({ tenantIndex, prefix: step.prefix, group, winner, candidates });
      break;
    }
    case "policies":
      compiler.policies(step.policies);
      break;
    case "wait":
      clock.advance(step.span);
      break;
  }
}
