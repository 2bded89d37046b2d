import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Reader, toHex } from "../../../src/base/index.ts";
import {
  DEFAULT_DIALECT,
  decodeOpen,
  Framer,
  frameMessage,
  MAX_EXTENDED_MESSAGE_LENGTH,
  MessageType,
  UpdateEncoder,
  writeHeader,
} from "../../../src/bgp/wire/index.ts";
import { encodedSet, keySample, octets, setSample } from "./samples.ts";

const MARKER = "ffffffff ffffffff ffffffff ffffffff";
const NEXT_HOP = setSample().nextHop;

const VECTORS = [
  { name: "UPDATE of 4097", wire: "1001 02", want: "need-more" },
  { name: "UPDATE of 65535", wire: "ffff 02", want: "need-more" },
  { name: "NOTIFICATION of 65535", wire: "ffff 03", want: "need-more" },
  { name: "OPEN of 4097", wire: "1001 01", want: "1/2 1001" },
  { name: "KEEPALIVE of 4097", wire: "1001 04", want: "1/2 1001" },
  { name: "ROUTE-REFRESH of 4097", wire: "1001 05", want: "1/2 1001" },
] as const;

function message(length: number): Uint8Array {
  const whole = new Uint8Array(length).fill(7);
  writeHeader(new DataView(whole.buffer), length, MessageType.Update);
  return whole;
}

function lengths(stream: Uint8Array, cuts: readonly number[]): (number | string)[] {
  const framer = new Framer();
  framer.allowExtended();
  const seen: (number | string)[] = [];
  const edges = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  for (let i = 1; i < edges.length; i++) {
    framer.feed(stream.slice(edges[i - 1]!, edges[i]!));
    for (let answer = framer.next(); answer.kind !== "need-more"; answer = framer.next()) {
      if (answer.kind === "malformed") return [...seen, "malformed"];
      const body = answer.octets.subarray(answer.start, answer.end);
      seen.push(body.every((octet) => octet === 7) ? body.length + 19 : "other octets");
    }
  }
  return seen;
}

describe("extended messages (RFC 8654)", () => {
  for (const { name, wire, want } of VECTORS) {
    it(`${name} where they are allowed (§3)`, () => {
      const given = octets(`${MARKER} ${wire}`);
      const answer = frameMessage(given, 0, given.length, MAX_EXTENDED_MESSAGE_LENGTH);
      const shown =
        answer.kind === "malformed"
          ? `${answer.fault.code}/${answer.fault.subcode} ${toHex(answer.fault.data)}`
          : answer.kind;
      assert.equal(shown, want);
    });
  }

  it("the capability is code 6 without a value (§3); with one it is malformed", () => {
    const open = (wire: string) => decodeOpen(new Reader(octets(wire)));
    const good = open("04 fde8 005a c0000201 04 02 02 0600");
    assert.equal(good.ok && good.value.capabilities.extendedMessages, true);
    assert.deepEqual(open("04 fde8 005a c0000201 05 02 03 060100").ok, false);
  });

  it("comes out whole however the stream is cut", () => {
    const length = fc.oneof(fc.integer({ min: 23, max: 5000 }), fc.integer({ min: 60_000, max: 65_535 }));
    fc.assert(
      fc.property(fc.array(length, { maxLength: 4 }), fc.array(fc.nat(200_000), { maxLength: 8 }), (sizes, cuts) => {
        const stream = Uint8Array.from(sizes.flatMap((size) => [...message(size)]));
        assert.deepEqual(lengths(stream, cuts), sizes);
      }),
      { numRuns: 40 },
    );
  });

  it("is packed up to 65535 octets where agreed, and never beyond 4096 elsewhere (§4)", () => {
    const attributes = new Uint8Array(5000);
    assert.equal(UpdateEncoder.fits(attributes, 30), false);
    assert.equal(UpdateEncoder.fits(attributes, 30, MAX_EXTENDED_MESSAGE_LENGTH), true);
    for (const [maximum, size] of [
      [undefined, 60],
      [MAX_EXTENDED_MESSAGE_LENGTH, 60],
      [MAX_EXTENDED_MESSAGE_LENGTH, 5000],
      [MAX_EXTENDED_MESSAGE_LENGTH, 65_535 - 48 - 30],
    ] as const) {
      const encoder = new UpdateEncoder(DEFAULT_DIALECT.family, maximum === undefined ? {} : { maximum });
      const set = new Uint8Array(size);
      const blocks: Uint8Array[] = [];
      for (let i = 0; i < 5000; i++) {
        if (encoder.announce(encodedSet(set, NEXT_HOP), keySample(i), 0, 30)) continue;
        blocks.push(encoder.take()!);
        assert.ok(encoder.announce(encodedSet(set, NEXT_HOP), keySample(i), 0, 30));
        if (blocks.length === 4) break;
      }
      blocks.push(encoder.take()!);
      const sizes = blocks.flatMap((block) => {
        const found: number[] = [];
        for (let at = 0; at < block.length; at += found.at(-1)!) found.push((block[at + 16]! << 8) | block[at + 17]!);
        return found;
      });
      const limit = maximum ?? 4096;
      assert.ok(Math.max(...sizes) <= limit && Math.max(...sizes) > limit - 30, `${size}: ${sizes.slice(0, 9)}`);
    }
  });
});
