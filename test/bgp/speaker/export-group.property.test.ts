import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { octetsEqual, parseIpv6, toHex } from "../../../src/base/index.ts";
import { acceptAll, type ExportFacts, exportSet, offeredSet, type RoutePolicy } from "../../../src/bgp/policy/index.ts";
import { ExportGroup } from "../../../src/bgp/speaker/export-group.ts";
import {
  AttributeCodec,
  DEFAULT_DIALECT,
  isMappedIpv4,
  LONGEST_KEY,
  UpdateEncoder,
} from "../../../src/bgp/wire/index.ts";
import type { AsPathSegment, AttributeSet, RouteFamily } from "../../../src/rib/index.ts";
import { world } from "../../rib/world.ts";
import { semanticSample } from "../wire/samples.ts";

/* What a neighbour gets, made out of octets, against what the set as an object would have become. */

const codec = new AttributeCodec(DEFAULT_DIALECT);
const OWN = parseIpv6("2001:db8::ff")!;
const OWN_V4 = parseIpv6("::ffff:192.0.2.1")!;
const U32 = fc.nat(0xffffffff);
const AS = fc.nat(0xfffffffe).map((n) => n + 1);
const octetsOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

const segment: fc.Arbitrary<AsPathSegment> = fc.record({
  type: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("sequence" as const, "set" as const) },
    { weight: 1, arbitrary: fc.constantFrom("confed-sequence" as const, "confed-set" as const) },
  ),
  numbers: fc.oneof(
    { weight: 6, arbitrary: fc.array(AS, { minLength: 1, maxLength: 5 }) },
    { weight: 1, arbitrary: fc.array(AS, { minLength: 253, maxLength: 255 }) },
  ),
});

const sets: fc.Arbitrary<AttributeSet> = fc
  .record(
    {
      multiExitDisc: U32,
      localPref: U32,
      originatorId: U32,
      clusterList: fc.array(U32, { minLength: 1, maxLength: 65 }),
      onlyToCustomer: U32,
      semantic: fc.constantFrom(
        semanticSample(),
        semanticSample({ opaque: [{ type: 900, value: Uint8Array.of(1, 2) }] }),
      ),
    },
    { requiredKeys: [] },
  )
  .chain((some) =>
    fc
      .record({
        origin: fc.constantFrom("igp" as const, "egp" as const, "incomplete" as const),
        asPath: fc.array(segment, { maxLength: 3 }),
        nextHop: fc.constantFrom(
          ...["2001:db8::5", "2001:db8::5", "::ffff:198.51.100.5", "fe80::5"].map((text) => parseIpv6(text)!),
        ),
        communities: fc.array(fc.oneof(U32, fc.constantFrom(0xffffff01, 0xffffff02, 0xffff0006)), { maxLength: 66 }),
        extendedCommunities: fc.array(octetsOf(8), { maxLength: 3 }),
        largeCommunities: fc.array(fc.record({ globalAdministrator: U32, data1: U32, data2: U32 }), { maxLength: 3 }),
        opaque: fc.constantFrom(
          [],
          [{ flags: 0xc0, code: 99, value: Uint8Array.of(1, 2) }],
          [
            { flags: 0x40, code: 6, value: new Uint8Array(0) },
            { flags: 0xc0, code: 7, value: Uint8Array.of(0, 1, 0, 0, 1, 2, 3, 4) },
            { flags: 0xe0, code: 200, value: new Uint8Array(300) },
          ],
          ...[3000, 3500, 3900, 3960, 3985].map((octets) => [
            { flags: 0x40, code: 6, value: new Uint8Array(0) },
            { flags: 0xc0, code: 7, value: Uint8Array.of(0, 1, 0, 0, 1, 2, 3, 4) },
            { flags: 0xe0, code: 200, value: new Uint8Array(octets) },
          ]),
        ),
      })
      .map((rest) => ({ ...rest, ...some })),
  );

interface Case {
  readonly kind: "internal" | "external";
  readonly nextHopSelf: boolean;
  readonly transparent: boolean;
  readonly asWidth: 2 | 4;
  readonly reflectedFrom: number | undefined;
  readonly family: RouteFamily;
  readonly ownLinkLocal: Uint8Array | undefined;
}

const cases: fc.Arbitrary<Case> = fc.record({
  kind: fc.constantFrom("internal" as const, "external" as const),
  nextHopSelf: fc.boolean(),
  transparent: fc.boolean(),
  asWidth: fc.oneof({ weight: 5, arbitrary: fc.constant(4 as const) }, fc.constant(2 as const)),
  reflectedFrom: fc.option(AS, { nil: undefined }),
  family: fc.constantFrom<RouteFamily>("ipv6-unicast", "ipv4-unicast", "capability"),
  ownLinkLocal: fc.constantFrom(undefined, parseIpv6("fe80::9")!),
});

/** The long way: objects all along. */
function expected(set: AttributeSet, facts: ExportFacts, of: Case): string {
  const offered = facts.transparent ? set : offeredSet(set, of.kind);
  const sent = exportSet(offered, facts, of.kind === "internal" ? of.reflectedFrom : undefined);
  const nextHopAttribute = of.family === "ipv4-unicast" && isMappedIpv4(sent.nextHop);
  if (!nextHopAttribute && (isMappedIpv4(sent.nextHop) || of.family === "ipv4-unicast")) return "next-hop-family";
  // This router is said with its address on the link. @see RFC 2545 §3
  const isOwn = octetsEqual(sent.nextHop, facts.ownNextHop) && !nextHopAttribute;
  const nextHop = isOwn ? Uint8Array.of(...sent.nextHop, ...(of.ownLinkLocal ?? [])) : sent.nextHop;
  const context = { asWidth: of.asWidth, internal: of.kind === "internal", nextHopAttribute };
  // What a route can do without goes first. @see RFC 8654 §4
  for (const without of [[], [7], [7, 6]]) {
    const opaque = sent.opaque.filter(({ code }) => !without.includes(code));
    const octets = codec.encode({ ...sent, opaque }, context);
    const isFit = UpdateEncoder.fits({ length: octets.length, nextHop }, LONGEST_KEY[of.family]);
    if (isFit) return `${toHex(nextHop)} ${toHex(octets)}`;
  }
  return "too-large";
}

describe("ExportGroup", () => {
  it("sends the octets that the set as an object would have become (RFC 4271 §5.1, RFC 4456 §8)", () => {
    let plain = 0;
    const inPlace: RoutePolicy = Object.assign(
      (set: AttributeSet) => {
        if (set.multiExitDisc === undefined) plain++;
        return { verdict: "accept" } as const;
      },
      { readsInPlace: true },
    );
    const byKey: RoutePolicy = () => ({ verdict: "by-key", of: () => ({ verdict: "accept" }) });
    fc.assert(
      fc.property(sets, cases, (received, of) => {
        const { rib } = world();
        // As it is in the RIB: what an identity cannot carry is not there.
        const { semantic, ...withoutSemantic } = received;
        const carried = of.family === "capability" && semantic !== undefined ? received : withoutSemantic;
        const identity = codec.identity(carried, of.family);
        const set = codec.decodeIdentity(identity, 0, identity.length);
        const id = rib.attributes.intern(identity, 0, identity.length, codec.sourceOf(set), of.family);
        const external = of.kind === "external";
        const facts: ExportFacts = {
          kind: of.kind,
          localAs: 65000,
          ownNextHop: of.family === "ipv4-unicast" ? OWN_V4 : OWN,
          nextHopSelf: of.nextHopSelf,
          clusterId: 0x0a0a0a0a,
          transparent: external && of.transparent,
          takesLongLived: true,
        };
        const context = { asWidth: of.asWidth, internal: !external };
        const peer = { address: "::2", kind: of.kind, remoteAs: 65001, family: of.family, ownNextHop: OWN };
        const agreed = { extendedNextHop: false, updateLimit: 4096, ownLinkLocal: of.ownLinkLocal };
        const mode = { gracefulShutdown: false };
        const group = (policy: RoutePolicy) =>
          new ExportGroup(codec, rib.attributes, context, facts, policy, peer, agreed, () => mode);
        for (const each of [group(acceptAll), group(inPlace), group(byKey)]) {
          for (let again = 0; again < 2; again++) {
            const found = each.of(id, external ? undefined : of.reflectedFrom);
            const answer = found.ok === "by-key" ? found.of(Uint8Array.of(0), 0) : found;
            const isWithheld = !answer.ok && ["no-advertise", "no-export"].includes(answer.reason);
            if (isWithheld) continue;
            const said = answer.ok
              ? `${toHex(answer.set.nextHop)} ${toHex(answer.set.octets.subarray(0, answer.set.length))}`
              : answer.reason;
            assert.equal(said, expected(set, facts, of));
          }
        }
        rib[Symbol.dispose]();
      }),
      { numRuns: 400 },
    );
    assert.ok(plain > 0);
  });
});
