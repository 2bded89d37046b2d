import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toHex } from "../../../src/base/index.ts";
import { encodeKeepalive, encodeMessage, Framer, frameMessage, MessageType } from "../../../src/bgp/wire/index.ts";
import { octets } from "./samples.ts";

const MARKER = "ffffffff ffffffff ffffffff ffffffff";

const VECTORS = [
  { name: "nothing", see: "RFC 4271 §4.1", wire: "", want: { kind: "need-more" } },
  { name: "a marker alone", see: "RFC 4271 §4.1", wire: MARKER, want: { kind: "need-more" } },
  { name: "KEEPALIVE", see: "RFC 4271 §4.4", wire: `${MARKER} 0013 04`, want: { kind: "message", type: 4, body: "" } },
  { name: "half an UPDATE", see: "RFC 4271 §4.3", wire: `${MARKER} 0017 02 0000`, want: { kind: "need-more" } },
  {
    name: "UPDATE and the start of what follows",
    see: "RFC 4271 §4.3",
    wire: `${MARKER} 0017 02 00000000 ff`,
    want: { kind: "message", type: 2, body: "00000000" },
  },
  {
    name: "ROUTE-REFRESH",
    see: "RFC 2918 §3",
    wire: `${MARKER} 0017 05 000200fb`,
    want: { kind: "message", type: 5, body: "000200fb" },
  },
  { name: "marker with a zero", see: "RFC 4271 §6.1", wire: "ffff00", want: { fault: [1, 1, ""] } },
  { name: "length 18", see: "RFC 4271 §6.1", wire: `${MARKER} 0012`, want: { fault: [1, 2, "0012"] } },
  { name: "length 4097", see: "RFC 4271 §6.1", wire: `${MARKER} 1001`, want: { fault: [1, 2, "1001"] } },
  { name: "type 0", see: "RFC 4271 §6.1", wire: `${MARKER} 0013 00`, want: { fault: [1, 3, "00"] } },
  { name: "type 6", see: "RFC 4271 §6.1", wire: `${MARKER} 0013 06`, want: { fault: [1, 3, "06"] } },
  { name: "OPEN of 28", see: "RFC 4271 §6.1", wire: `${MARKER} 001c 01`, want: { fault: [1, 2, "001c"] } },
  { name: "UPDATE of 22", see: "RFC 4271 §6.1", wire: `${MARKER} 0016 02`, want: { fault: [1, 2, "0016"] } },
  { name: "NOTIFICATION of 20", see: "RFC 4271 §6.1", wire: `${MARKER} 0014 03`, want: { fault: [1, 2, "0014"] } },
  { name: "KEEPALIVE of 20", see: "RFC 4271 §6.1", wire: `${MARKER} 0014 04`, want: { fault: [1, 2, "0014"] } },
  { name: "ROUTE-REFRESH of 21", see: "RFC 2918 §3", wire: `${MARKER} 0015 05`, want: { fault: [1, 2, "0015"] } },
] as const;

function shown(answer: ReturnType<typeof frameMessage>): unknown {
  if (answer.kind === "malformed") {
    return { fault: [answer.fault.code, answer.fault.subcode, toHex(answer.fault.data)] };
  }
  if (answer.kind === "need-more") return { kind: "need-more" };
  return { kind: "message", type: answer.type, body: toHex(answer.octets.subarray(answer.start, answer.end)) };
}

describe("frameMessage", () => {
  for (const { name, see, wire, want } of VECTORS) {
    it(`${name} (${see})`, () => {
      const given = octets(wire);
      assert.deepEqual(shown(frameMessage(given, 0, given.length)), want);
      // The same at an offset: nothing in front of the window counts.
      const shifted = Uint8Array.of(0, 1, 2, ...given);
      assert.deepEqual(shown(frameMessage(shifted, 3, shifted.length)), want);
    });
  }
});

/** Everything that a stream cut at `cuts` gives: bodies of the messages, and the fault that ends it. */
function readAll(stream: Uint8Array, cuts: readonly number[]): unknown[] {
  const framer = new Framer();
  const seen: unknown[] = [];
  const edges = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  for (let i = 1; i < edges.length; i++) {
    // A fresh buffer that is overwritten afterwards: the framer must not hold on to it.
    const chunk = stream.slice(edges[i - 1]!, edges[i]!);
    framer.feed(chunk);
    for (let answer = framer.next(); answer.kind !== "need-more"; answer = framer.next()) {
      seen.push(shown(answer));
      if (answer.kind === "malformed") return seen;
    }
    chunk.fill(0xaa);
  }
  return seen;
}

const message = fc.oneof(
  fc.constant(encodeKeepalive()),
  fc.uint8Array({ minLength: 4, maxLength: 60 }).map((body) => encodeMessage(MessageType.Update, body)),
  fc.constant(encodeMessage(MessageType.Update, new Uint8Array(4096 - 19).fill(7))),
);
const stream = fc.array(message, { maxLength: 6 }).map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

describe("Framer", () => {
  it("gives the same messages however the stream is cut", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(30_000), { maxLength: 12 }), (whole, cuts) => {
        assert.deepEqual(readAll(whole, cuts), readAll(whole, []));
      }),
    );
  });

  it("gives the same messages when they come octet by octet", () => {
    const whole = Uint8Array.of(...encodeKeepalive(), ...encodeMessage(2, new Uint8Array(300)), ...encodeKeepalive());
    const cuts = Array.from({ length: whole.length }, (_, i) => i);
    assert.deepEqual(readAll(whole, cuts), readAll(whole, []));
    assert.equal(readAll(whole, []).length, 3);
  });

  it("answers a flipped bit the same way however the stream is cut, and never throws", () => {
    fc.assert(
      fc.property(stream, fc.nat(), fc.array(fc.nat(30_000), { maxLength: 6 }), (whole, flip, cuts) => {
        if (whole.length === 0) return;
        const bent = whole.slice();
        bent[(flip >>> 3) % bent.length]! ^= 1 << (flip & 7);
        assert.deepEqual(readAll(bent, cuts), readAll(bent, []));
      }),
    );
  });

  it("refuses a chunk while the last one has not been read", () => {
    const framer = new Framer();
    framer.feed(Uint8Array.of(...encodeKeepalive(), ...encodeKeepalive()));
    framer.next();
    assert.throws(() => framer.feed(encodeKeepalive()), /still has octets/);
  });
});
