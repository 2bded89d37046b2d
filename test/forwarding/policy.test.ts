import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  ANY_SITE,
  type CapabilityName,
  capabilityAddress,
  capabilityFamily,
  capabilityId,
  hashedFamilyCode,
  milliseconds,
  toHex,
} from "../../src/base/index.ts";
import { PlanTables } from "../../src/dataplane/memory/plan-tables.ts";
import {
  type AccessRule,
  type CapabilityTerms,
  Compiler,
  type Operation,
  type Policy,
  type TenantPolicy,
} from "../../src/forwarding/index.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";
import { DOMAIN, type Forwarding, forwarding, OCR, OWN, QUARANTINE } from "./world.ts";

const FACES = "/vision/faces" as CapabilityName;
const SPEECH = "/audio/speech" as CapabilityName;
const NAMES = [OCR, FACES, SPEECH];

const none = { names: [], prefixes: [] } as const;
const from = (...tenants: number[]) => ({ from: tenants });
type Loose = Omit<Partial<TenantPolicy>, "rules"> & { readonly rules?: readonly Partial<AccessRule>[] };
const tenant = (policy: Loose): TenantPolicy => ({
  tenantIndex: 1,
  capabilities: [],
  ...policy,
  rules: (policy.rules ?? []).map((rule) => ({ ...none, ...from(), ...rule })),
});
const terms = (of: Partial<CapabilityTerms>): CapabilityTerms => ({ ...none, counted: false, ...of });

/** A router whose tenants 1 and 2 have the three capabilities; what it sent so far is forgotten. */
function started(...policies: TenantPolicy[]): Forwarding {
  const world = forwarding();
  world.compiler.taxonomy(
    [1, 2].flatMap((tenantIndex) => NAMES.map((name) => ({ tenantIndex, name, majorVersion: 1 }))),
  );
  world.compiler.policies(policies);
  world.clock.settle();
  return world;
}

/** As the snapshot names it. */
function addressOf(name: CapabilityName): string {
  const parts = { domain: DOMAIN, tenantIndex: 1, familyCode: familyCodeOf(name), capabilityId: capabilityId(name, 1) };
  return toHex(capabilityAddress({ ...parts, selector: ANY_SITE }));
}

/** Of `forwarding()`. */
function familyCodeOf(name: CapabilityName): number {
  const family = capabilityFamily(name);
  return family === "vision" ? 1 : hashedFamilyCode(family);
}

/** The policy of a capability of tenant 1 as the data plane has it. */
function policyOf({ sink }: Forwarding, name: CapabilityName): Policy | undefined {
  const { capabilities, policies } = sink.snapshot();
  const index = capabilities.get(addressOf(name))?.policy;
  return index === undefined ? undefined : policies!.get(index);
}

const types = (operations: readonly Operation[]): string[] => operations.map(({ type }) => type);

describe("policies of capabilities", () => {
  it("are none where no rule fits: default deny", () => {
    const world = started(tenant({ rules: [{ ...from(2), names: [FACES] }] }));
    assert.equal(policyOf(world, OCR), undefined);
    assert.deepEqual(policyOf(world, FACES)?.allowed, [2]);
  });

  it("let in who a name, or a prefix of it, lets in, and never the tenant itself", () => {
    const world = started(
      tenant({
        rules: [
          { ...from(3), names: [OCR] },
          { ...from(2, 1), prefixes: ["/vision"] },
          { ...from(9), prefixes: ["/vis"] },
          { ...from(4), prefixes: ["/"] },
        ],
      }),
    );
    assert.deepEqual(policyOf(world, OCR)?.allowed, [2, 3, 4]);
    assert.deepEqual(policyOf(world, FACES)?.allowed, [2, 4]);
    assert.deepEqual(policyOf(world, SPEECH)?.allowed, [4]);
  });

  it("are shared by capabilities with the same longest match, and a rule that changes is one operation", () => {
    const rules = [{ ...from(2), prefixes: ["/vision"] }];
    const world = started(tenant({ rules }));
    const { capabilities } = world.sink.snapshot();
    assert.equal(capabilities.get(addressOf(OCR))!.policy, capabilities.get(addressOf(FACES))!.policy);
    world.sink.news();
    world.compiler.policies([tenant({ rules: [...rules, { ...from(5), prefixes: ["/vision"] }] })]);
    world.clock.settle();
    assert.deepEqual(types(world.sink.news()), ["set-policy"]);
    assert.deepEqual(policyOf(world, OCR)?.allowed, [2, 5]);
    world.compiler.policies([]);
    world.clock.settle();
    assert.deepEqual(types(world.sink.news()), ["set-capability", "set-capability", "remove-policy"]);
    assert.equal(policyOf(world, OCR), undefined);
  });

  it("limit and count each capability by itself; of limits and marks the longest match wins", () => {
    const world = started(
      tenant({
        capabilities: [
          terms({ prefixes: ["/vision"], packets: { perSecond: 10, burst: 5 }, dscp: 8, counted: true }),
          terms({ names: [OCR], packets: { perSecond: 99, burst: 9 }, tag: 7 }),
        ],
      }),
    );
    const [ocr, faces] = [policyOf(world, OCR)!, policyOf(world, FACES)!];
    assert.deepEqual(ocr.packets, { perSecond: 99, burst: 9 });
    assert.deepEqual([ocr.dscp, ocr.tag, ocr.counted], [8, 7, true]);
    assert.deepEqual([faces.packets, faces.dscp, faces.tag], [{ perSecond: 10, burst: 5 }, 8, undefined]);
    const { capabilities } = world.sink.snapshot();
    assert.notEqual(capabilities.get(addressOf(OCR))!.policy, capabilities.get(addressOf(FACES))!.policy);
  });

  it("of a tenant's clients come and go without touching a capability", () => {
    const world = started();
    world.sink.news();
    const clients = { packets: { perSecond: 100, burst: 10 }, dscp: 46 };
    world.compiler.policies([tenant({ clients })]);
    world.clock.settle();
    const policy = { use: "tenant", tenantIndex: 1, counted: false, allowed: [], ...clients };
    assert.deepEqual(world.sink.news(), [{ type: "set-policy", index: 1, policy }]);
    // Away and back again before it is carried out: the index stays.
    world.compiler.policies([tenant({})]);
    world.compiler.policies([tenant({ clients: { dscp: 8 } })]);
    world.clock.settle();
    const news = world.sink.news();
    assert.ok(
      types(news).every((type) => type === "set-policy"),
      JSON.stringify(news),
    );
    world.compiler.policies([tenant({})]);
    world.clock.settle();
    assert.deepEqual(world.sink.news(), [{ type: "remove-policy", index: 1 }]);
  });

  it("stay over a restart, and what is not allowed any more goes at once", () => {
    const rules = [
      { ...from(2), prefixes: ["/vision"] },
      { ...from(3), names: [OCR] },
    ];
    const capabilities = [terms({ names: [SPEECH], counted: true })];
    const first = started(tenant({ rules, capabilities, clients: { tag: 3 } }));
    first.compiler[Symbol.dispose]();
    const restart = (policies: readonly TenantPolicy[]): Forwarding => {
      const world = forwarding({ sink: first.sink, clock: first.clock });
      first.sink.news();
      world.compiler.adopt(first.sink.held()).forEach(() => {});
      const known = [1, 2].flatMap((tenantIndex) => NAMES.map((name) => ({ tenantIndex, name, majorVersion: 1 })));
      world.compiler.policies(policies);
      world.compiler.taxonomy(known);
      world.clock.settle();
      return world;
    };
    const same = restart([tenant({ rules, capabilities, clients: { tag: 3 } })]);
    assert.deepEqual(same.sink.news(), [], "the same configuration: nothing to do");
    same.compiler.converged();
    same.clock.settle();
    assert.deepEqual(same.sink.news(), []);
    same.compiler[Symbol.dispose]();
    const other = restart([tenant({ rules: rules.slice(0, 1) })]);
    assert.deepEqual(policyOf(other, OCR)?.allowed, [2], "before it has converged");
    assert.equal(policyOf(other, SPEECH), undefined);
    other.compiler.converged();
    other.clock.settle();
    assert.equal(other.sink.snapshot().policies!.size, 1);
  });

  it("that have no room are left out, counted, and closed to other tenants", () => {
    const world = forwarding({ limits: { capabilities: 64, groups: 64, nextHops: 64, policies: 1, allowed: 2 } });
    world.compiler.taxonomy(NAMES.map((name) => ({ tenantIndex: 1, name, majorVersion: 1 })));
    const rule = (name: CapabilityName) => ({ ...from(2), names: [name] });
    world.compiler.policies([tenant({ rules: [rule(OCR), rule(FACES)] })]);
    world.clock.settle();
    const open = NAMES.filter((name) => policyOf(world, name) !== undefined);
    assert.equal(open.length, 1);
    assert.deepEqual(
      world.compiler.refusals.map(({ reason }) => reason),
      ["policies-full"],
    );
    world.compiler.policies([tenant({ rules: [{ ...from(2, 3, 4), names: open }] })]);
    world.clock.settle();
    assert.deepEqual(policyOf(world, open[0]!)?.allowed, [2], "more pairs than there is room for: as before");
  });

  it("are those of a router without history, whatever came before (property)", () => {
    const name = fc.constantFrom(...NAMES);
    const match = fc.record({
      names: fc.uniqueArray(name, { maxLength: 2 }),
      prefixes: fc.uniqueArray(fc.constantFrom("/", "/vision", "/audio"), { maxLength: 2 }),
    });
    const rule = fc.tuple(match, fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 })).map(([at, whom]) => {
      return { ...at, from: whom };
    });
    // Equal rates are kept as the first that came: none has another prototype.
    const rate = fc.record(
      { perSecond: fc.constant(5), burst: fc.integer({ min: 1, max: 3 }) },
      { noNullPrototype: true },
    );
    const term = fc
      .tuple(match, fc.option(rate, { nil: undefined }), fc.option(fc.nat(63), { nil: undefined }), fc.boolean())
      .map(([at, packets, dscp, counted]) => ({
        ...{ ...at, counted },
        ...(packets && { packets }),
        ...(dscp === undefined ? {} : { dscp }),
      }));
    const policy = (tenantIndex: number): fc.Arbitrary<TenantPolicy> =>
      fc.record({
        tenantIndex: fc.constant(tenantIndex),
        rules: fc.array(rule, { maxLength: 3 }),
        capabilities: fc.array(term, { maxLength: 3 }),
      });
    const whole = fc.tuple(policy(1), policy(2)).chain((both) => fc.subarray(both));
    const described = (world: Forwarding) => {
      const { capabilities, policies } = world.sink.snapshot();
      return new Map(
        [...capabilities].map(([address, { policy: index }]) => [
          address,
          index === undefined ? 0 : policies!.get(index),
        ]),
      );
    };
    fc.assert(
      fc.property(fc.array(whole, { minLength: 1, maxLength: 5 }), (steps) => {
        const world = started();
        for (const step of steps) {
          world.compiler.policies(step);
          world.clock.advance(QUARANTINE);
        }
        const fresh = started(...steps.at(-1)!);
        assert.deepEqual(described(world), described(fresh));
        assert.equal(world.sink.snapshot().policies!.size, fresh.sink.snapshot().policies!.size, "none is left over");
      }),
    );
  });
});

/** Counts what reaches the data plane, and checks that it is allowed. */
class CountingSink {
  readonly tables = new PlanTables(DOMAIN, 1 << 19);
  readonly log: Operation[] = [];

  apply(operations: readonly Operation[]): void {
    for (const [position, operation] of operations.entries()) this.tables.apply(operation, position);
    for (const operation of operations) this.log.push(operation);
  }
}

describe("many tenants", () => {
  const TENANTS = 1000;
  const RULES = 100;
  const names = Array.from({ length: RULES }, (_, i) => `/family${i % 10}/capability${i}` as CapabilityName);
  /** Tenant t lets another one into each of its capabilities, and one more tenant into a prefix. */
  const policyOfTenant = (tenantIndex: number): TenantPolicy => ({
    tenantIndex,
    rules: names.map((name, i) => ({
      ...(i % 10 === 0 ? { names: [], prefixes: [`/family${(i / 10) % 10}`] } : { names: [name], prefixes: [] }),
      from: [((tenantIndex + i) % TENANTS) + 1],
    })),
    capabilities: [],
  });

  it("one of 1000 with 100 rules each changes: what is written is of that one alone, and less than a second's work", (t) => {
    const sink = new CountingSink();
    const clock = new VirtualClock();
    const parts = { clock, sink, log: new ListLog(), metrics: new TallyMetrics() };
    const limits = { capabilities: 1 << 19, groups: 1024, nextHops: 1024, policies: 131_072, allowed: 1_048_576 };
    const compiler = new Compiler(
      {
        ...{ domain: DOMAIN, locator: OWN, selector: 7, hashSeed: 1, tenants: new Map(), familyCodes: new Map() },
        ...{ transitionHold: milliseconds(1), quarantine: milliseconds(1), limits },
      },
      { ...parts, random: new SeededRandom(1) },
    );
    const tenants = Array.from({ length: TENANTS }, (_, i) => i + 1);
    compiler.taxonomy(tenants.flatMap((tenantIndex) => names.map((name) => ({ tenantIndex, name, majorVersion: 1 }))));
    clock.settle();
    const policies = tenants.map(policyOfTenant);
    const spent = (work: () => void): number => {
      const before = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    sink.log.length = 0;
    const all = spent(() => {
      compiler.policies(policies);
      clock.settle();
    });
    const set = sink.log.filter(({ type }) => type === "set-policy").length;
    t.diagnostic(
      `all ${TENANTS} × ${RULES} rules: ${all.toFixed(0)} ms CPU, ${set} policies, ${sink.log.length} operations`,
    );
    assert.equal(sink.log.filter(({ type }) => type === "set-capability").length, TENANTS * RULES);
    sink.log.length = 0;
    const one = policies.with(499, {
      ...policies[499]!,
      rules: policies[499]!.rules.with(7, { names: [names[7]!], prefixes: [], from: [3, 4] }),
    });
    const changed = spent(() => {
      compiler.policies(one);
      clock.settle();
    });
    t.diagnostic(`one rule of one tenant: ${changed.toFixed(1)} ms CPU, ${sink.log.length} operations`);
    assert.equal(sink.log.length, 1);
    const [only] = sink.log;
    assert.ok(only?.type === "set-policy" && only.policy.tenantIndex === 500, JSON.stringify(only));
    const entry = sink.tables.capability(
      [...sink.tables.plannedCapabilities()].find(({ policy }) => policy === only.index)!.address,
    );
    assert.equal(entry?.policy, only.index);
    assert.ok(changed < 1000, `${changed} ms`);
    compiler[Symbol.dispose]();
  });
});
