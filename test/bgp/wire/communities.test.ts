import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIpv6, toHex } from "../../../src/base/index.ts";
import { exportSet } from "../../../src/bgp/policy/index.ts";
import {
  AttributeCode,
  AttributeCodec,
  type AttributeContext,
  DEFAULT_DIALECT,
  UpdateDecoder,
} from "../../../src/bgp/wire/index.ts";
import { type AttributeSet, digestOf, type SessionKind, SetMark } from "../../../src/rib/index.ts";
import { updateBody } from "./samples.ts";

const codec = new AttributeCodec(DEFAULT_DIALECT);
const INSIDE: AttributeContext = { asWidth: 4, internal: true };
const MEMBER: AttributeContext = { asWidth: 4, internal: false, confederation: true };
const OUTSIDE: AttributeContext = { asWidth: 4, internal: false };

/** What an UPDATE with these attributes, besides the usual ones, comes to. */
function received(attributes: string, context: AttributeContext): AttributeSet {
  const decoder = new UpdateDecoder(codec, context, { families: ["ipv6-unicast"] });
  const reach = `800e1a 0002 01 10 20010db8000000000000000000000005 00 20 20010001`;
  const path = context.internal
    ? "400200 40050400000064"
    : context.confederation
      ? "4002060301 0000fde8 40050400000064"
      : "4002060201 0000fde8";
  const body = updateBody(`${reach} 40010100 ${path} ${attributes}`.replaceAll(" ", ""));
  const outcome = decoder.decode(body, 0, body.length);
  assert.ok(outcome.kind === "routes" && outcome.attributes !== undefined, JSON.stringify(outcome));
  return outcome.attributes.set;
}

const shown = ({ largeCommunities }: AttributeSet): string[] =>
  largeCommunities.map(({ globalAdministrator, data1, data2 }) => `${globalAdministrator}:${data1}:${data2}`);

const large = (...values: number[]): string => {
  const all = values.map((n) => `${"00000001".repeat(2)}${n.toString(16).padStart(8, "0")}`).join("");
  return `d020${(12 * values.length).toString(16).padStart(4, "0")}${all}`;
};

describe("communities", () => {
  it("a large community that comes twice is there once, at its first place, and goes on once (RFC 8092 §3)", () => {
    for (const context of [INSIDE, OUTSIDE]) {
      assert.deepEqual(shown(received(large(3, 1, 3, 2, 1), context)), ["1:1:3", "1:1:1", "1:1:2"]);
      assert.deepEqual(shown(received(large(2, 1), context)), ["1:1:2", "1:1:1"]);
    }
    const many = Array.from({ length: 200 }, (_, i) => i % 150);
    assert.equal(shown(received(large(...many), OUTSIDE)).length, 150);
    const sent = codec.encode(received(large(7, 7), INSIDE), INSIDE);
    assert.equal(toHex(sent).match(/00000001000000010{7}7/g)?.length, 1);
  });

  it("the state of an origin is believed from inside the AS and the confederation only (RFC 8097 §4)", () => {
    const attributes = "c01018 0002fde800000001 4300000000000002 4004fde800000000";
    const of = (context: AttributeContext): string[] => received(attributes, context).extendedCommunities.map(toHex);
    assert.deepEqual(of(INSIDE), ["0002fde800000001", "4300000000000002", "4004fde800000000"]);
    assert.deepEqual(of(MEMBER), of(INSIDE));
    assert.deepEqual(of(OUTSIDE), ["0002fde800000001", "4004fde800000000"], "and nothing else is taken out");
    assert.deepEqual(received("c01008 4300000000000002", OUTSIDE).extendedCommunities, []);
  });

  it("extended communities of IPv6 that are not transitive stay inside the AS (RFC 5701 §2)", () => {
    const transitive = `0002${"20010db8".padEnd(32, "0")}0001`;
    const inner = `4002${"20010db8".padEnd(32, "0")}0002`;
    const to = (kind: SessionKind, attributes: string): string[] => {
      const set = received(attributes, INSIDE);
      const facts = { kind, localAs: 65000, ownNextHop: parseIpv6("2001:db8::1")!, nextHopSelf: false, clusterId: 1 };
      const left = exportSet(set, facts).opaque.filter(({ code }) => code === AttributeCode.Ipv6ExtendedCommunities);
      return left.map(({ value }) => toHex(value));
    };
    const both = `c01928 ${inner}${transitive}`;
    assert.deepEqual(to("internal", both), [inner + transitive]);
    assert.deepEqual(to("confederation", both), [inner + transitive]);
    assert.deepEqual(to("external", both), [transitive]);
    assert.deepEqual(to("external", `c01914 ${inner}`), []);
    assert.deepEqual(to("external", `c01914 ${transitive}`), [transitive]);
    // The mark is what keeps such a set from being passed on as octets.
    const isMarked = (attributes: string): boolean =>
      (digestOf(received(attributes, INSIDE)).marks & SetMark.nonTransitive) !== 0;
    assert.deepEqual([isMarked(both), isMarked(`c01914 ${transitive}`)], [true, false]);
  });
});
