import { parseIpv6Prefix } from "../../../../base/index.ts";
import { FIRST_CAPABILITY_POLICY, type Operation, type Policy } from "../../../../forwarding/index.ts";
import type { Feature } from "../../../features.ts";
import { REFUSAL, REFUSALS } from "../../messages.ts";
import { applied, type ConformanceCase, demandNoRefusal, demandRead, say, withSmall } from "../case.ts";
import { aggregate, capability, capabilityAt, LOCATORS, slotsOf } from "../examples.ts";
import { demand } from "../line.ts";

/** What a feature puts into operations, given the small plan. */
interface Example {
  readonly feature: Feature;
  /** The first has the feature in it. */
  readonly set: readonly Operation[];
  /** Afterwards the plan is what it was before. */
  readonly undo: readonly Operation[];
}

const OF_CAPABILITIES = FIRST_CAPABILITY_POLICY;
const policy = (index: number, terms: Partial<Policy>): Operation => {
  const use = index < FIRST_CAPABILITY_POLICY ? "tenant" : "capabilities";
  return { type: "set-policy", index, policy: { use, tenantIndex: 1, counted: false, allowed: [], ...terms } };
};
const removed = (...indexes: readonly number[]): readonly Operation[] =>
  indexes.map((index) => ({ type: "remove-policy", index }));
const both = (terms: Partial<Policy>): readonly Operation[] => [policy(1, terms), policy(OF_CAPABILITIES, terms)];
const affine = (feature: Feature, affinity: "address" | "connection" | "none"): Example => ({
  ...{ feature, set: [capability(1, 1, 0, affinity)], undo: [capability(1, 1)] },
});

const MACS = { destination: Uint8Array.of(2, 0, 0, 0, 0, 9), source: Uint8Array.of(2, 0, 0, 0, 0, 8) } as const;
const wrapped = (
  feature: Feature,
  encapsulation: NonNullable<Extract<Operation, { type: "set-encapsulation" }>["encapsulation"]>,
): Example => ({
  feature,
  set: [
    { type: "set-encapsulation", index: 1, encapsulation },
    {
      ...{ type: "set-next-hop", index: 30, state: "up" },
      nextHop: { kind: "tunnel", locator: LOCATORS[2]!, encapsulation },
    },
  ],
  undo: [
    { type: "set-encapsulation", index: 1 },
    { type: "remove-next-hop", index: 30 },
  ],
});

const FAMILY = parseIpv6Prefix("fd5e:0:0:1:8001::/80")!;
const TENANT = parseIpv6Prefix("fd5e:0:0:1::/64")!;

const EXAMPLES: readonly Example[] = [
  wrapped("segments", { kind: "segments", waypoints: [LOCATORS[1]!, LOCATORS[2]!] }),
  wrapped("vxlan", { kind: "vxlan", vni: 0xabcde, ...MACS }),
  {
    feature: "rate-limits",
    set: both({ packets: { perSecond: 1000, burst: 50 }, bits: { perSecond: 8_000_000_000, burst: 250_000 } }),
    undo: removed(1, OF_CAPABILITIES),
  },
  { feature: "dscp", set: both({ dscp: 46 }), undo: removed(1, OF_CAPABILITIES) },
  { feature: "tags", set: both({ tag: 0xa7 }), undo: removed(1, OF_CAPABILITIES) },
  {
    feature: "allow-lists",
    set: [
      policy(OF_CAPABILITIES, { allowed: [2, 3] }),
      { type: "set-capability", entry: { address: capabilityAt(1), group: 1, localGroup: 0, policy: OF_CAPABILITIES } },
      policy(OF_CAPABILITIES, { allowed: [3, 4, 7] }),
    ],
    undo: [capability(1, 1), ...removed(OF_CAPABILITIES)],
  },
  affine("address-affinity", "address"),
  affine("connection-affinity", "connection"),
  affine("no-affinity", "none"),
  {
    feature: "aggregates",
    set: [aggregate(FAMILY, 1), aggregate(TENANT, 2), aggregate(FAMILY, 2)],
    undo: [
      { type: "remove-aggregate", prefix: FAMILY },
      { type: "remove-aggregate", prefix: TENANT },
    ],
  },
];

/** Given the family's aggregate to group 4, which nothing else names. */
const BAD_AGGREGATES: readonly (readonly [what: string, operation: Operation, code?: number])[] = [
  ["an aggregate to a group that is not there", aggregate(FAMILY, 50)],
  ["an aggregate to group 0", aggregate(TENANT, 0)],
  ["an aggregate of 72 bits", aggregate({ ...TENANT, length: 72 }, 1)],
  ["an aggregate outside the domain", aggregate(parseIpv6Prefix("fd5f:0:0:1::/64")!, 1)],
  ["an aggregate with bits behind its prefix", aggregate({ ...FAMILY, length: 64 }, 1)],
  ["removing a group that an aggregate names", { type: "remove-group", group: 4 }],
  ["removing an aggregate that is not there", { type: "remove-aggregate", prefix: TENANT }, REFUSAL.notFound],
];

/** What an executor can is held as it was said; what it says it cannot is refused, so that nobody takes it for done. */
export const FEATURES_HELD: readonly ConformanceCase[] = [
  ...EXAMPLES.map(
    ({ feature, set, undo }): ConformanceCase => ({
      name: `${feature}: held as it was said, and gone again`,
      ...{ rule: 4, needs: feature },
      async run(rig) {
        const { line, tables } = await withSmall(rig);
        say(line, set, 2);
        await line.settle();
        demandNoRefusal(line);
        await demandRead(line, applied(line, set, tables));
        say(line, undo, 3);
        await line.settle();
        demandNoRefusal(line);
        await demandRead(line, applied(line, undo, tables));
      },
    }),
  ),
  {
    name: "aggregates: to nobody, of no tenant or family, or named elsewhere: refused",
    ...{ rule: 5, needs: "aggregates" },
    async run(rig) {
      const { line, tables } = await withSmall(rig);
      const good = [slotsOf(4, 1), aggregate(FAMILY, 4)];
      say(line, good, 2);
      await line.settle();
      demandNoRefusal(line);
      applied(line, good, tables);
      for (const [what, operation, wanted] of BAD_AGGREGATES) {
        const first = say(line, [operation], 3);
        await line.settle();
        const refusal = line.refusalOf(first);
        demand(refusal !== undefined, `${what}: it was not refused`);
        demand(
          wanted === undefined || refusal.code === wanted,
          `${what}: refused as ${REFUSALS[refusal.code]}, and ${REFUSALS[wanted ?? 0]} is due`,
        );
      }
      await demandRead(line, tables);
    },
  },
  {
    name: "what it says it cannot is refused as unsupported, and has no effect",
    rule: 5,
    async run(rig) {
      const { line, tables } = await withSmall(rig);
      for (const { feature, set } of EXAMPLES) {
        if (!rig.declines.has(feature)) continue;
        const first = say(line, set.slice(0, 1), 2);
        await line.settle();
        const refusal = line.refusalOf(first);
        const code = refusal && (REFUSALS[refusal.code] ?? refusal.code);
        demand(refusal !== undefined, `${feature}: it says that it cannot, and took it`);
        demand(refusal.code === REFUSAL.unsupported, `${feature}: refused as ${code}, and unsupported is due`);
      }
      await demandRead(line, tables);
    },
  },
];
