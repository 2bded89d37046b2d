import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { parseIpv6, toHex } from "../../../src/base/index.ts";
import {
  AttributeCodec,
  type AttributeContext,
  DEFAULT_DIALECT,
  type EncodedSet,
  encodeEndOfRib,
  familyName,
  type NlriBatch,
  routeTarget,
  SetPatcher,
  UpdateDecoder,
  UpdateEncoder,
  type UpdateOutcome,
} from "../../../src/bgp/wire/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { encodedSet, keySample, octets, semanticSample, setSample, updateBody } from "./samples.ts";

const codec = new AttributeCodec(DEFAULT_DIALECT);
const CAPABILITY = { families: ["capability"] } as const;
const INTERNAL: AttributeContext = { asWidth: 4, internal: true };
const EXTERNAL: AttributeContext = { asWidth: 4, internal: false };
const OLD: AttributeContext = { asWidth: 2, internal: false };

const KEY = toHex(keySample(1));
const NEXT_HOP = "20010db8000000000000000000000001";
const REACH = `800e33 0002fb10${NEXT_HOP}00${KEY}`;
const ORIGIN = "400101 00";
const PATH = "400200";
const PATH4 = "400206 0201 0000fde8";
const PREFERENCE = "400504 00000064";
const LEASE = "0007 0014 0000000000000001 000000006b49d200 00000258";
const SEMANTIC = `80ff1c 53454d52 ${LEASE}`;
const GOOD = REACH + ORIGIN + PATH + PREFERENCE;

function keysOf(batch: NlriBatch): string[] {
  return Array.from({ length: batch.count }, (_, i) =>
    toHex(batch.octets.subarray(batch.starts[i]!, batch.starts[i]! + batch.lengths[i]!)),
  );
}

interface Seen {
  readonly decoder: UpdateDecoder;
  readonly outcome: UpdateOutcome;
}

function decode(body: Uint8Array, context = INTERNAL): Seen {
  const decoder = new UpdateDecoder(codec, context, CAPABILITY);
  return { decoder, outcome: decoder.decode(body, 0, body.length) };
}

/** In one line: what happened to the routes, and every fault. */
function verdict({ decoder, outcome }: Seen): string {
  if (outcome.kind === "reset") return `reset ${outcome.fault.code}/${outcome.fault.subcode}`;
  if (outcome.kind === "end-of-rib") return "end-of-rib";
  const faults = outcome.faults.map(({ name, action }) => `${name} ${action}`);
  if (outcome.kind === "disable-family") return faults.join(", ");
  const routes = `${outcome.attributes === undefined ? "withdraw" : "announce"} ${decoder.announced.count}`;
  return [routes, ...faults].join(", ");
}

const TREATED = (name: string): string => `withdraw 1, ${name} treat-as-withdraw`;
const DISCARDED = (name: string): string => `announce 1, ${name} attribute-discard`;

const VECTORS = [
  { name: "a good route", see: "RFC 4271 §4.3", wire: GOOD, want: "announce 1" },
  { name: "with SEMANTIC", see: "DESIGN 4.2", wire: GOOD + SEMANTIC, want: "announce 1" },
  { name: "MP_REACH_NLRI last", see: "RFC 7606 §5.1", wire: ORIGIN + PATH + PREFERENCE + REACH, want: "announce 1" },
  {
    name: "low flag bits are masked",
    see: "RFC 4271 §4.3",
    wire: `${REACH}4f0101 00${PATH}${PREFERENCE}`,
    want: "announce 1",
  },
  {
    name: "Partial on an optional transitive attribute",
    see: "RFC 4271 §4.3",
    wire: `${GOOD}e00804 fde80001`,
    want: "announce 1",
  },
  {
    name: "extended length where none is needed",
    see: "RFC 4271 §4.3",
    wire: `${GOOD}d0080004 fde80001`,
    want: "announce 1",
  },
  { name: "no ORIGIN", see: "RFC 7606 §3 d)", wire: REACH + PATH + PREFERENCE, want: TREATED("ORIGIN") },
  { name: "no AS_PATH", see: "RFC 7606 §3 d)", wire: REACH + ORIGIN + PREFERENCE, want: TREATED("AS_PATH") },
  {
    name: "no LOCAL_PREF from inside",
    see: "RFC 7606 §3 d)",
    wire: REACH + ORIGIN + PATH,
    want: TREATED("LOCAL_PREF"),
  },
  { name: "ORIGIN 3", see: "RFC 7606 §7.1", wire: `${REACH}400101 03${PATH}${PREFERENCE}`, want: TREATED("ORIGIN") },
  {
    name: "ORIGIN of 2 octets",
    see: "RFC 7606 §7.1",
    wire: `${REACH}400102 0000${PATH}${PREFERENCE}`,
    want: TREATED("ORIGIN"),
  },
  {
    name: "ORIGIN marked optional",
    see: "RFC 7606 §3 c)",
    wire: `${REACH}c00101 00${PATH}${PREFERENCE}`,
    want: TREATED("ORIGIN"),
  },
  {
    name: "AS_PATH overrun",
    see: "RFC 7606 §7.2",
    wire: `${REACH}${ORIGIN}400206 0202 0000fde8${PREFERENCE}`,
    want: TREATED("AS_PATH"),
  },
  { name: "NEXT_HOP of 4 octets is ignored", see: "RFC 4760 §3", wire: `${GOOD}400304 0a000001`, want: "announce 1" },
  { name: "NEXT_HOP of 5 octets", see: "RFC 7606 §7.3", wire: `${GOOD}400305 0a00000100`, want: TREATED("NEXT_HOP") },
  {
    name: "MULTI_EXIT_DISC of 3 octets",
    see: "RFC 7606 §7.4",
    wire: `${GOOD}800403 000001`,
    want: TREATED("MULTI_EXIT_DISC"),
  },
  {
    name: "LOCAL_PREF of 3 octets",
    see: "RFC 7606 §7.5",
    wire: `${REACH}${ORIGIN}${PATH}400503 000064`,
    want: TREATED("LOCAL_PREF"),
  },
  {
    name: "ATOMIC_AGGREGATE of 1 octet",
    see: "RFC 7606 §7.6",
    wire: `${GOOD}400601 00`,
    want: DISCARDED("ATOMIC_AGGREGATE"),
  },
  {
    name: "AGGREGATOR of 6 octets on a 4-octet session",
    see: "RFC 7606 §7.7",
    wire: `${GOOD}c00706 fde80a000001`,
    want: DISCARDED("AGGREGATOR"),
  },
  {
    name: "AGGREGATOR with AS 0",
    see: "RFC 7607 §2",
    wire: `${GOOD}c00708 000000000a000001`,
    want: DISCARDED("AGGREGATOR"),
  },
  {
    name: "COMMUNITIES of 5 octets",
    see: "RFC 7606 §7.8",
    wire: `${GOOD}c00805 fde8000100`,
    want: TREATED("COMMUNITIES"),
  },
  { name: "empty COMMUNITIES", see: "RFC 7606 §7.8", wire: `${GOOD}c00800`, want: TREATED("COMMUNITIES") },
  {
    name: "ORIGINATOR_ID of 5 octets",
    see: "RFC 7606 §7.9",
    wire: `${GOOD}800905 0a00000100`,
    want: TREATED("ORIGINATOR_ID"),
  },
  { name: "empty CLUSTER_LIST", see: "RFC 7606 §7.10", wire: `${GOOD}800a00`, want: TREATED("CLUSTER_LIST") },
  {
    name: "EXTENDED COMMUNITIES of 9 octets",
    see: "RFC 7606 §7.14",
    wire: `${GOOD}c01009 0002fde80000000100`,
    want: TREATED("EXTENDED COMMUNITIES"),
  },
  {
    name: "AS4_PATH from a new speaker",
    see: "RFC 6793 §6",
    wire: `${GOOD}c01106 0201 0000fde8`,
    want: DISCARDED("AS4_PATH"),
  },
  {
    name: "IPV6 EXTENDED COMMUNITIES of 19 octets",
    see: "RFC 7606 §7.15",
    wire: `${GOOD}c01913 ${"00".repeat(19)}`,
    want: TREATED("IPV6 EXTENDED COMMUNITIES"),
  },
  {
    name: "LARGE_COMMUNITY of 11 octets",
    see: "RFC 8092 §5",
    wire: `${GOOD}c0200b ${"00".repeat(11)}`,
    want: TREATED("LARGE_COMMUNITY"),
  },
  {
    name: "ONLY_TO_CUSTOMER of 3 octets",
    see: "RFC 9234 §5",
    wire: `${GOOD}c02303 000001`,
    want: TREATED("ONLY_TO_CUSTOMER"),
  },
  {
    name: "SEMANTIC marked transitive",
    see: "DESIGN 4.4",
    wire: `${GOOD}c0ff1c 53454d52 ${LEASE}`,
    want: TREATED("SEMANTIC"),
  },
  { name: "SEMANTIC without a lease", see: "DESIGN 4.4", wire: `${GOOD}80ff04 53454d52`, want: TREATED("SEMANTIC") },
  {
    name: "SEMANTIC with a TLV overrun",
    see: "DESIGN 4.4",
    wire: `${GOOD}80ff20 53454d52 ${LEASE} 00090002`,
    want: TREATED("SEMANTIC"),
  },
  {
    name: "ORIGIN twice: the first counts",
    see: "RFC 7606 §3 g)",
    wire: `${GOOD}400101 02`,
    want: DISCARDED("ORIGIN"),
  },
  {
    name: "two faults: the graver one counts",
    see: "RFC 7606 §3 h)",
    wire: `${GOOD}400601 00 c00800`,
    want: "withdraw 1, ATOMIC_AGGREGATE attribute-discard, COMMUNITIES treat-as-withdraw",
  },
  {
    name: "attribute beyond the list",
    see: "RFC 7606 §4",
    wire: `${GOOD}c00808 fde80001`,
    want: TREATED("COMMUNITIES"),
  },
  {
    name: "half an attribute header",
    see: "RFC 7606 §4",
    wire: `${GOOD}c008`,
    want: "withdraw 1, attribute 0 treat-as-withdraw",
  },
  {
    name: "attribute beyond the list before any route",
    see: "RFC 7606 §5.2",
    wire: `${ORIGIN}${PATH}4002ff`,
    want: "reset 3/1",
  },
  { name: "malformed attribute and no route", see: "RFC 7606 §5.2", wire: "400101 07", want: "reset 3/1" },
  { name: "attributes and no route", see: "RFC 7606 §5.2", wire: ORIGIN + PATH + PREFERENCE, want: "withdraw 0" },
  { name: "MP_REACH_NLRI twice", see: "RFC 7606 §3 g)", wire: GOOD + REACH, want: "reset 3/1" },
  {
    name: "MP_REACH_NLRI marked transitive",
    see: "RFC 7606 §5.3",
    wire: `c0${GOOD.slice(2)}`,
    want: "MP_REACH_NLRI ipv6/251 disable-family",
  },
  {
    name: "MP_UNREACH_NLRI marked transitive",
    see: "RFC 7606 §5.3",
    wire: "c00f03 0002fb",
    want: "MP_UNREACH_NLRI ipv6/251 disable-family",
  },
  {
    name: "MP_REACH_NLRI of 4 octets",
    see: "RFC 7606 §5.3",
    wire: `800e04 0002fb10${ORIGIN}`,
    want: "MP_REACH_NLRI ipv6/251 disable-family",
  },
  { name: "MP_REACH_NLRI of 2 octets", see: "RFC 7606 §5.3", wire: `800e02 0002${ORIGIN}`, want: "reset 3/1" },
  {
    name: "a family is lost, and MP_REACH_NLRI comes twice",
    see: "RFC 7606 §3 h)",
    wire: "800e04 0002fb10 800e03 0002fb",
    want: "reset 3/1",
  },
  {
    name: "a family is lost, and an unknown well-known attribute comes",
    see: "RFC 7606 §3 h)",
    wire: "800e04 0002fb10 406301 00",
    want: "reset 3/2",
  },
  {
    name: "next hop of 4 octets",
    see: "RFC 7606 §7.11",
    wire: `800e09 0002fb04 0a000001 00${ORIGIN}`,
    want: "MP_REACH_NLRI ipv6/251 disable-family",
  },
  {
    name: "next hop beyond the attribute",
    see: "RFC 7606 §7.11",
    wire: `800e06 0002fb10 0000${ORIGIN}`,
    want: "MP_REACH_NLRI ipv6/251 disable-family",
  },
  {
    name: "route beyond the attribute",
    see: "RFC 7606 §5.3",
    wire: `800e17 0002fb10${NEXT_HOP}00021c${ORIGIN}`,
    want: "MP_REACH_NLRI ipv6/251 disable-family",
  },
  {
    name: "withdrawn route beyond the attribute",
    see: "RFC 7606 §5.3",
    wire: "800f05 0002fb 021c",
    want: "MP_UNREACH_NLRI ipv6/251 disable-family",
  },
  { name: "MP_UNREACH_NLRI of 2 octets", see: "RFC 7606 §7.12", wire: "800f02 0002", want: "reset 3/1" },
  { name: "unknown well-known attribute", see: "RFC 4271 §6.3", wire: `${GOOD}406301 00`, want: "reset 3/2" },
  { name: "unknown optional attributes", see: "RFC 4271 §5", wire: `${GOOD}c06301 aa 806401 bb`, want: "announce 1" },
  { name: "End-of-RIB", see: "RFC 4724 §2", wire: "800f03 0002fb", want: "end-of-rib" },
  { name: "End-of-RIB of IPv4 unicast", see: "RFC 4724 §2", wire: "", want: "end-of-rib" },
  {
    name: "a family that was not agreed",
    see: "RFC 4760 §8",
    wire: `800e1a 00020110${NEXT_HOP}00 20 20010db8${ORIGIN}${PATH}`,
    want: "withdraw 0",
  },
] as const;

describe("UpdateDecoder", () => {
  for (const { name, see, wire, want } of VECTORS) {
    it(`${name} (${see})`, () => assert.equal(verdict(decode(updateBody(wire))), want));
  }

  it("reads every attribute (RFC 4271 §5)", () => {
    const set = setSample({
      asPath: [{ type: "sequence", numbers: [65000, 4200000000] }],
      multiExitDisc: 5,
      originatorId: 0x0a000009,
      clusterList: [1, 2],
      communities: [0xfde80001, 0xffffff01],
      extendedCommunities: [routeTarget(65000, 1), routeTarget(4200000000, 1)],
      largeCommunities: [{ globalAdministrator: 65000, data1: 1, data2: 0xffffffff }],
      semantic: semanticSample({ labels: [{ text: "eu", critical: false }] }),
      opaque: [{ flags: 0xc0, code: 99, value: octets("aa") }],
    });
    const identity = codec.identity(set);
    // The identity is a list of attributes itself; with the route put back into it, it decodes to the same set.
    const { outcome } = decode(updateBody(REACH + toHex(identity.subarray(23))));
    assert.ok(outcome.kind === "routes");
    assert.deepEqual(outcome.attributes?.set, set);
    assert.deepEqual(outcome.attributes?.identity, identity);
  });

  const LEASE_TLV = "0007 0014 0000000000000001 000000006b49d200 00000258";
  const SEMANTIC_FAULTS: readonly { name: string; flags: string; value: string; withdrawn: boolean }[] = [
    { name: "a lease alone", flags: "80", value: `53454d52 ${LEASE_TLV}`, withdrawn: false },
    { name: "partial and low flag bits", flags: "af", value: `53454d52 ${LEASE_TLV}`, withdrawn: false },
    { name: "transitive", flags: "c0", value: `53454d52 ${LEASE_TLV}`, withdrawn: true },
    { name: "well-known", flags: "00", value: `53454d52 ${LEASE_TLV}`, withdrawn: true },
    { name: "no magic", flags: "80", value: `53454d00 ${LEASE_TLV}`, withdrawn: true },
    { name: "a TLV overrun", flags: "80", value: `53454d52 ${LEASE_TLV} 0009 0002 00`, withdrawn: true },
    { name: "no lease", flags: "80", value: "53454d52 0009 0001 00", withdrawn: true },
    {
      name: "a critical label that is no text",
      flags: "80",
      value: `53454d52 ${LEASE_TLV} 0008 0003 80 c328`,
      withdrawn: true,
    },
    { name: "a malformed metric", flags: "80", value: `53454d52 ${LEASE_TLV} 0003 0001 02`, withdrawn: false },
    { name: "an unknown TLV", flags: "80", value: `53454d52 ${LEASE_TLV} 7777 0001 02`, withdrawn: false },
  ];
  for (const { name, flags, value, withdrawn } of SEMANTIC_FAULTS) {
    it(`SEMANTIC: ${name} is ${withdrawn ? "treat-as-withdraw" : "taken"} (DESIGN 4.4)`, () => {
      const length = octets(value).length.toString(16).padStart(2, "0");
      const { decoder, outcome } = decode(updateBody(`${GOOD}${flags}ff${length} ${value}`));
      assert.ok(outcome.kind === "routes");
      assert.equal(decoder.announced.count, 1, "the key is known either way");
      assert.equal(outcome.attributes === undefined, withdrawn);
      assert.equal(
        outcome.faults.some(({ action }) => action === "treat-as-withdraw"),
        withdrawn,
      );
      if (name === "a malformed metric") assert.equal(outcome.attributes?.set.semantic?.score, 0);
    });
  }

  it("one identity for one meaning: order, flags and AS width do not matter", () => {
    const identityOf = (wire: string, context: AttributeContext): string => {
      const { outcome } = decode(updateBody(wire), context);
      assert.ok(outcome.kind === "routes" && outcome.attributes !== undefined);
      return toHex(outcome.attributes.identity);
    };
    const one = identityOf(REACH + ORIGIN + PATH4, EXTERNAL);
    assert.equal(identityOf(`${PATH4}501100 0000`.slice(0, PATH4.length) + ORIGIN + REACH, EXTERNAL), one);
    assert.equal(identityOf(`${REACH}5f010001 00 5002 0006 0201 0000fde8`, EXTERNAL), one);
    assert.equal(identityOf(`${REACH}${ORIGIN}400204 0201 fde8`, OLD), one);
    assert.notEqual(identityOf(`${REACH}${ORIGIN}400204 0201 fde9`, OLD), one);
  });

  it("rebuilds path and aggregator behind a 2-octet speaker (RFC 6793 §4.2.3)", () => {
    const wire = `${REACH}${ORIGIN}400206 0202 0001 5ba0 c00706 5ba0 0a000001 c01106 0201 00011170 c01208 00011170 0a000001`;
    const { outcome } = decode(updateBody(wire), OLD);
    assert.ok(outcome.kind === "routes" && outcome.attributes !== undefined);
    const { asPath, opaque } = outcome.attributes.set;
    assert.deepEqual(asPath, [{ type: "sequence", numbers: [1, 70000] }]);
    assert.deepEqual(opaque, [{ flags: 0xc0, code: 7, value: octets("00011170 0a000001") }]);
    // An old speaker aggregated again: both AS4 attributes are outdated.
    const again = decode(updateBody(wire.replace("c007065ba0", "").replace("c00706 5ba0", "c00706 0005")), OLD).outcome;
    assert.ok(again.kind === "routes" && again.attributes !== undefined);
    assert.deepEqual(again.attributes.set.asPath, [{ type: "sequence", numbers: [1, 23456] }]);
  });

  it("from another AS, LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST are discarded (RFC 7606 §7.5, §7.9, §7.10)", () => {
    const wire = `${REACH}${ORIGIN}${PATH4}${PREFERENCE}800904 0a000001 800a04 0a000001`;
    const { outcome } = decode(updateBody(wire), EXTERNAL);
    assert.ok(outcome.kind === "routes" && outcome.attributes !== undefined);
    const { localPref, originatorId, clusterList } = outcome.attributes.set;
    assert.deepEqual([localPref, originatorId, clusterList], [undefined, undefined, undefined]);
    assert.equal(outcome.faults.length, 3);
  });

  it("routes that are wrong in themselves are left out alone (RFC 7606 §5.4)", () => {
    const routes = `${KEY} 0103aabbcc 07020000 0204 00000000 ${toHex(keySample(2))}`;
    const length = octets(routes).length + 21;
    const { decoder, outcome } = decode(
      updateBody(`800e${length.toString(16)} 0002fb10${NEXT_HOP}00 ${routes}${ORIGIN}${PATH}${PREFERENCE}`),
    );
    assert.ok(outcome.kind === "routes" && outcome.attributes !== undefined);
    assert.deepEqual(keysOf(decoder.announced), [KEY, toHex(keySample(2))]);
    const { unknown, malformed } = decoder.announced;
    assert.deepEqual({ unknown, malformed }, { unknown: 1, malformed: 2 });
  });

  it("announces and withdraws in one message", () => {
    const { decoder, outcome } = decode(updateBody(`${GOOD}800f21 0002fb ${toHex(keySample(9))}`));
    assert.ok(outcome.kind === "routes" && outcome.attributes !== undefined);
    assert.deepEqual(keysOf(decoder.announced), [KEY]);
    assert.deepEqual(keysOf(decoder.withdrawn), [toHex(keySample(9))]);
  });

  it("IPv4 routes are counted and ignored, lying lengths reset (RFC 4271 §6.3)", () => {
    const { decoder, outcome } = decode(updateBody(ORIGIN + PATH + PREFERENCE, "08 0a", "10 c000"));
    assert.deepEqual([outcome.kind, decoder.notAgreed], ["routes", 1]);
    assert.equal(verdict(decode(octets("0005 0000"))), "reset 3/1");
    assert.equal(verdict(decode(octets("0000 0005 00"))), "reset 3/1");
  });

  it("keeps the capability family out where it was not agreed", () => {
    const decoder = new UpdateDecoder(codec, INTERNAL, { families: [] });
    const body = updateBody(GOOD);
    const outcome = decoder.decode(body, 0, body.length);
    assert.deepEqual([outcome.kind, decoder.announced.count, decoder.notAgreed], ["routes", 0, 1]);
  });

  it("the same octets are decoded once", () => {
    const decoder = new UpdateDecoder(codec, INTERNAL, CAPABILITY);
    const body = updateBody(GOOD + SEMANTIC);
    const first = decoder.decode(body, 0, body.length);
    const second = decoder.decode(body.slice(), 0, body.length);
    assert.ok(first.kind === "routes" && second.kind === "routes" && first.attributes !== undefined);
    assert.equal(first.attributes, second.attributes);
  });

  it("splits a batch in place", () => {
    const decoder = new UpdateDecoder(codec, INTERNAL, CAPABILITY);
    const keys = [keySample(1, 1), keySample(2, 2), keySample(3, 1)];
    const wire = `900e 006f 0002fb10${NEXT_HOP}00${keys.map(toHex).join("")}`;
    const body = updateBody(wire + ORIGIN + PATH + PREFERENCE);
    decoder.decode(body, 0, body.length);
    const refused = decoder.withdrawn;
    decoder.announced.split(refused, (o, start) => o[start + 29] === 1);
    assert.deepEqual(keysOf(decoder.announced), [toHex(keys[1]!)]);
    assert.deepEqual(keysOf(refused), [toHex(keys[0]!), toHex(keys[2]!)]);
  });

  const whole = updateBody(`${GOOD}${SEMANTIC}c01008 0002fde800000001 800f21 0002fb ${KEY} c0630155`);

  it("no truncation and no lying length throw or give a route that was not there", () => {
    for (let length = 0; length < whole.length; length++) {
      const { decoder, outcome } = decode(whole.subarray(0, length));
      assert.notEqual(outcome.kind, "routes", `cut at ${length}`);
      assert.deepEqual([decoder.announced.count], [0]);
    }
  });

  it("no flipped bits throw; keys stay inside the message", () => {
    const decoder = new UpdateDecoder(codec, INTERNAL, CAPABILITY);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length * 8 - 1), { minLength: 1, maxLength: 8 }), (flips) => {
        const bent = whole.slice();
        for (const flip of flips) bent[flip >>> 3]! ^= 1 << (flip & 7);
        decoder.decode(bent, 0, bent.length);
        for (const batch of [decoder.announced, decoder.withdrawn]) {
          for (let i = 0; i < batch.count; i++) {
            assert.equal(batch.lengths[i], 30);
            assert.ok(batch.starts[i]! >= 4 && batch.starts[i]! + 30 <= bent.length);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("no random body throws", () => {
    const decoder = new UpdateDecoder(codec, EXTERNAL, CAPABILITY);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (attributes) => {
        const body = updateBody(toHex(attributes));
        decoder.decode(body, 0, body.length);
      }),
    );
  });
});

describe("encodeEndOfRib (RFC 4724 §2)", () => {
  for (const family of [DEFAULT_DIALECT.family, { afi: 1, safi: 1 }]) {
    it(`of ${familyName(family)} is read as one`, () => {
      const message = encodeEndOfRib(family);
      const decoder = new UpdateDecoder(codec, INTERNAL, CAPABILITY);
      assert.deepEqual(decoder.decode(message, 19, message.length), { kind: "end-of-rib", family });
    });
  }
});

describe("UpdateEncoder", () => {
  const nextHop = parseIpv6("2001:db8::1")!;

  /** Reads a block of messages back: `+key` announced, `-key` withdrawn, `.` End-of-RIB. */
  function read(
    block: Uint8Array,
    context: AttributeContext,
  ): { routes: string[]; sets: Map<string, AttributeSet>; sizes: number[] } {
    const decoder = new UpdateDecoder(codec, context, CAPABILITY);
    const routes: string[] = [];
    const sizes: number[] = [];
    const sets = new Map<string, AttributeSet>();
    for (let at = 0; at < block.length; ) {
      const length = (block[at + 16]! << 8) | block[at + 17]!;
      sizes.push(length);
      const outcome = decoder.decode(block, at + 19, at + length);
      assert.ok(outcome.kind === "routes" || outcome.kind === "end-of-rib", inspect(outcome));
      if (outcome.kind === "end-of-rib") routes.push(".");
      else if (outcome.attributes !== undefined) sets.set(toHex(outcome.attributes.identity), outcome.attributes.set);
      routes.push(
        ...keysOf(decoder.announced).map((key) => `+${key}`),
        ...keysOf(decoder.withdrawn).map((key) => `-${key}`),
      );
      at += length;
    }
    return { routes, sets, sizes };
  }

  it("packs routes of one attribute set up to 4096 octets and nothing beyond", () => {
    const set = setSample();
    const attributes = codec.encode(set, INTERNAL);
    const encoder = new UpdateEncoder(DEFAULT_DIALECT.family);
    const keys = Array.from({ length: 300 }, (_, i) => keySample(i));
    for (const key of keys) assert.equal(encoder.announce(encodedSet(attributes, nextHop), key, 0, key.length), true);
    const { routes, sets, sizes } = read(encoder.take()!, INTERNAL);
    assert.deepEqual(
      routes,
      keys.map((key) => `+${toHex(key)}`),
    );
    assert.deepEqual([...sets.values()], [set]);
    assert.ok(
      sizes.slice(0, -1).every((size) => size <= 4096 && size > 4096 - 30),
      `sizes ${sizes}`,
    );
    assert.equal(encoder.take(), undefined);
  });

  it("keeps the order of announcements, withdrawals and End-of-RIB", () => {
    const encoder = new UpdateEncoder(DEFAULT_DIALECT.family);
    const one = codec.encode(setSample(), INTERNAL);
    const other = codec.encode(setSample({ localPref: 50 }), INTERNAL);
    const [a, b, c] = [keySample(1), keySample(2), keySample(3)];
    encoder.announce(encodedSet(one, nextHop), a, 0, 30);
    encoder.announce(encodedSet(other, nextHop), b, 0, 30);
    encoder.withdraw(a, 0, 30);
    encoder.withdraw(c, 0, 30);
    encoder.endOfRib();
    const block = encoder.take()!;
    assert.deepEqual(read(block, INTERNAL).routes, [
      `+${toHex(a)}`,
      `+${toHex(b)}`,
      `-${toHex(a)}`,
      `-${toHex(c)}`,
      ".",
    ]);
    assert.equal(encoder.messages, 4);
  });

  it("says when the block is full, and goes on after it was taken", () => {
    const encoder = new UpdateEncoder(DEFAULT_DIALECT.family, { capacity: 8192 });
    const sent: string[] = [];
    let taken = 0;
    for (let i = 0; i < 700; i++) {
      const key = keySample(i);
      if (!encoder.withdraw(key, 0, key.length)) {
        sent.push(...read(encoder.take()!, INTERNAL).routes);
        taken++;
        assert.equal(encoder.withdraw(key, 0, key.length), true);
      }
    }
    sent.push(...read(encoder.take()!, INTERNAL).routes);
    assert.deepEqual(
      sent,
      Array.from({ length: 700 }, (_, i) => `-${toHex(keySample(i))}`),
    );
    assert.ok(taken >= 2);
  });

  it("finishes a message before its attributes become those of another set, and fails where they changed unseen", () => {
    const patcher = new SetPatcher((code) => codec.knows(code, "capability"));
    const patch = {
      ...{ external: false, prependAs: undefined, withoutMultiExitDisc: false, nextHop: undefined },
      ...{ localPref: 100, reflection: undefined, nextHopAttribute: false },
    };
    const [one, other] = [10, 20].map((localPref) => setSample({ localPref }));
    const shared: EncodedSet = { octets: new Uint8Array(1024), length: 0, nextHop: new Uint8Array(16), version: 0 };
    const write = (set: AttributeSet): void => {
      const identity = codec.identity(set);
      patcher.patch(identity, 0, identity.length, patch, shared);
    };
    const [first, second] = [new UpdateEncoder(DEFAULT_DIALECT.family), new UpdateEncoder(DEFAULT_DIALECT.family)];
    const [a, b, c] = [keySample(1), keySample(2), keySample(3)];
    write(one!);
    first.announce(shared, a, 0, 30);
    second.announce(shared, b, 0, 30);
    write(other!);
    second.announce(shared, c, 0, 30);
    assert.deepEqual([...read(first.take()!, INTERNAL).sets.values()], [one]);
    const { routes, sets } = read(second.take()!, INTERNAL);
    assert.deepEqual(routes, [`+${toHex(b)}`, `+${toHex(c)}`]);
    assert.deepEqual([...sets.values()], [one, other]);
    assert.equal(shared.lentTo, undefined);
    first.announce(shared, a, 0, 30);
    shared.version++;
    assert.throws(() => first.take(), /attributes became others/);
  });

  it("a route that cannot fit is known before", () => {
    const huge = new Uint8Array(4060);
    assert.equal(UpdateEncoder.fits(huge, 30), false);
    assert.throws(() =>
      new UpdateEncoder(DEFAULT_DIALECT.family).announce(encodedSet(huge, nextHop), keySample(1), 0, 30),
    );
  });

  it("to an old speaker, large AS numbers travel in AS4_PATH and AS4_AGGREGATOR (RFC 6793 §4.2.2)", () => {
    const { localPref: _, ...external } = setSample({
      asPath: [{ type: "sequence", numbers: [65000, 70000] }],
      opaque: [{ flags: 0xc0, code: 7, value: octets("00011170 0a000001") }],
    });
    const attributes = codec.encode(external, OLD);
    assert.match(toHex(attributes), /4002060202fde85ba0/);
    const encoder = new UpdateEncoder(DEFAULT_DIALECT.family);
    encoder.announce(encodedSet(attributes, nextHop), keySample(1), 0, 30);
    assert.deepEqual([...read(encoder.take()!, OLD).sets.values()], [external]);
  });

  it("unknown transitive attributes leave with Partial set (RFC 4271 §5)", () => {
    const attributes = codec.encode(setSample({ opaque: [{ flags: 0xc0, code: 99, value: octets("aa") }] }), INTERNAL);
    assert.match(toHex(attributes), /e06301aa/);
  });
});
