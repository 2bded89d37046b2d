import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseIpv6, parseIpv6Prefix } from "../../../src/base/index.ts";
import { type ImportFacts, importRefusal, PassedNextHop } from "../../../src/bgp/policy/index.ts";
import { AttributeCodec, DEFAULT_DIALECT, SetView } from "../../../src/bgp/wire/index.ts";
import { type AttributeSet, digestOf } from "../../../src/rib/index.ts";
import { setSample } from "../wire/samples.ts";

/*
 * What a look at the octets of a set says, and what the table of checks says about the set as an object: the same, since the
 * short way may only say that nothing is wrong.
 */

const codec = new AttributeCodec(DEFAULT_DIALECT);
const number = fc.constantFrom(1, 2, 3, 65000, 0xfffffffe);
const segment = fc.record({
  type: fc.constantFrom("sequence", "sequence", "set", "confed-sequence", "confed-set"),
  numbers: fc.array(number, { minLength: 1, maxLength: 4 }),
} as const);
const NEXT_HOPS = ["2001:db8::1", "2001:db8::2", "fd00::1", "::ffff:192.0.2.1", "::ffff:127.0.0.1", "::ffff:0.1.2.3"];
const MARTIANS = ["::", "::1", "fe80::1", "fe80::2", "ff02::1", "::ffff:240.0.0.1", "64:ff9b::1", "4000::1"];
const nextHop = fc.constantFrom(...NEXT_HOPS, ...MARTIANS).map((text) => parseIpv6(text)!);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const set = fc
  .record({
    asPath: fc.array(segment, { maxLength: 3 }),
    nextHop,
    originatorId: optional(number),
    clusterList: optional(fc.array(number, { minLength: 1, maxLength: 2 })),
    onlyToCustomer: optional(number),
  })
  .map((changes): AttributeSet => setSample(changes));

/** Of both kinds of addresses, and of one. */
const LINKS = [["2001:db8::/64", "::ffff:192.0.2.0/120"], ["2001:db8::/64"], ["2001:db8:1::/64"]].map((texts) => ({
  neighbor: parseIpv6("2001:db8::2")!,
  subnets: texts.map((text) => parseIpv6Prefix(text)!),
}));

const facts: fc.Arbitrary<ImportFacts> = fc
  .record({
    family: fc.constantFrom("ipv4-unicast", "ipv6-unicast", "capability", "route-target"),
    localAs: number,
    confederationId: optional(number),
    remoteAs: number,
    kind: fc.constantFrom("internal", "external", "confederation"),
    bgpIdentifier: number,
    clusterId: number,
    ownNextHop: nextHop,
    link: optional(fc.constantFrom(...LINKS)),
    linkLocal: optional(fc.constantFrom({}, { own: parseIpv6("fe80::1")! }, { own: parseIpv6("fe80::2")! })),
    enforceFirstAs: fc.boolean(),
    allowOwnAs: optional(fc.constantFrom(1, 2)),
    role: optional(fc.constantFrom("provider", "customer", "peer", "route-server", "route-server-client")),
  } as const)
  .map(clean);

/** Without the members that are not there. */
function clean(found: object): ImportFacts {
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as unknown as ImportFacts;
}

describe("import checks of a set where it lies", () => {
  it("say what they say about it as an object", () => {
    let fine = 0;
    fc.assert(
      fc.property(fc.array(set, { minLength: 1, maxLength: 3 }), facts, (sets, given) => {
        const passed = new PassedNextHop();
        for (const one of sets) {
          const identity = codec.identity(one, given.family);
          const view = new SetView(codec).over(identity, 0, identity.length);
          const want = importRefusal(one, given);
          if (want === undefined) fine++;
          assert.equal(importRefusal(view, given, digestOf(one), passed), want);
        }
      }),
      { numRuns: 5000 },
    );
    assert.ok(fine > 100, "hardly any set passes");
  });
});
