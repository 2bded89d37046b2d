import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fromHex, toHex } from "../../../src/base/index.ts";
import {
  decodePdu,
  encodeErrorReport,
  encodePdu,
  type Pdu,
  PduFramer,
  type RtrVersion,
} from "../../../src/bgp/rpki/wire/index.ts";

const hex = (text: string): string => text.replace(/[\s|]/g, "");
const V4 = { address: fromHex("c0000200"), length: 24, maxLength: 26, autonomousSystem: 65551 };
const V6 = { address: fromHex(`20010db8${"00".repeat(12)}`), length: 32, maxLength: 48, autonomousSystem: 65000 };

const VECTORS: readonly {
  readonly see: string;
  readonly version: RtrVersion;
  readonly pdu: Pdu;
  readonly wire: string;
}[] = [
  {
    see: "RFC 8210 §5.2",
    version: 1,
    pdu: { type: "serial-notify", sessionId: 0x1234, serial: 7 },
    wire: "01 00 1234 0000000c 00000007",
  },
  {
    see: "RFC 8210 §5.3",
    version: 1,
    pdu: { type: "serial-query", sessionId: 0x1234, serial: 7 },
    wire: "01 01 1234 0000000c 00000007",
  },
  { see: "RFC 8210 §5.4", version: 1, pdu: { type: "reset-query" }, wire: "01 02 0000 00000008" },
  { see: "RFC 6810 §5.4", version: 0, pdu: { type: "reset-query" }, wire: "00 02 0000 00000008" },
  { see: "RFC 8210 §5.5", version: 1, pdu: { type: "cache-response", sessionId: 0x1234 }, wire: "01 03 1234 00000008" },
  {
    see: "RFC 8210 §5.6",
    version: 1,
    pdu: { type: "prefix", announce: true, ...V4 },
    wire: "01 04 0000 00000014 01 18 1a 00 c0000200 0001000f",
  },
  {
    see: "RFC 8210 §5.6",
    version: 1,
    pdu: { type: "prefix", announce: false, ...V4 },
    wire: "01 04 0000 00000014 00 18 1a 00 c0000200 0001000f",
  },
  {
    see: "RFC 8210 §5.7",
    version: 1,
    pdu: { type: "prefix", announce: true, ...V6 },
    wire: `01 06 0000 00000020 01 20 30 00 20010db8 ${"00".repeat(12)} 0000fde8`,
  },
  {
    see: "RFC 8210 §5.8",
    version: 1,
    pdu: { type: "end-of-data", sessionId: 0x1234, serial: 7, intervals: { refresh: 3600, retry: 600, expire: 7200 } },
    wire: "01 07 1234 00000018 00000007 00000e10 00000258 00001c20",
  },
  {
    see: "RFC 6810 §5.7",
    version: 0,
    pdu: { type: "end-of-data", sessionId: 0x1234, serial: 7, intervals: undefined },
    wire: "00 07 1234 0000000c 00000007",
  },
  { see: "RFC 8210 §5.9", version: 1, pdu: { type: "cache-reset" }, wire: "01 08 0000 00000008" },
  {
    see: "RFC 8210 §5.11",
    version: 1,
    pdu: { type: "error-report", code: 2, text: "none" },
    wire: "01 0a 0002 00000014 00000000 00000004 6e6f6e65",
  },
];

describe("PDUs as the RFC draws them", () => {
  for (const { see, version, pdu, wire } of VECTORS) {
    it(`${pdu.type}, version ${version} (${see})`, () => {
      assert.equal(toHex(encodePdu(version, pdu)), hex(wire));
      const octets = fromHex(hex(wire));
      assert.deepEqual(decodePdu(octets, 0, octets.length), { kind: "pdu", version, pdu });
    });
  }

  it("an error report carries the PDU that was wrong (RFC 8210 §5.11)", () => {
    const report = encodeErrorReport(1, 0, "no", fromHex("0102030405060708"));
    assert.equal(toHex(report), hex("01 0a 0000 0000001a 00000008 0102030405060708 00000002 6e6f"));
    assert.deepEqual(decodePdu(report, 0, report.length), {
      kind: "pdu",
      version: 1,
      pdu: { type: "error-report", code: 0, text: "no" },
    });
  });
});

const FAULTS = [
  { name: "a version nobody knows", wire: "02 02 0000 00000008", code: 4 },
  { name: "a type nobody knows", wire: "01 0c 0000 00000008", code: 5 },
  { name: "a router key in version 0", wire: `00 09 0000 00000020 ${"00".repeat(24)}`, code: 5 },
  { name: "a length below the header", wire: "01 02 0000 00000007", code: 0 },
  { name: "a length that is not the type's", wire: "01 04 0000 00000015 01 18 1a 00 c0000200 0001000f 00", code: 0 },
  { name: "End of Data of version 0 in version 1", wire: "01 07 1234 0000000c 00000007", code: 0 },
  { name: "a length beyond all bounds", wire: "01 0a 0000 ffffffff", code: 0 },
  { name: "33 bits of IPv4", wire: "01 04 0000 00000014 01 18 21 00 c0000200 0001000f", code: 0 },
  { name: "a length above its maximum", wire: "01 04 0000 00000014 01 18 17 00 c0000200 0001000f", code: 0 },
  {
    name: "an error report whose text is longer than itself",
    wire: "01 0a 0002 00000014 00000000 00000005 6e6f6e65",
    code: 0,
  },
];

describe("PDUs that are wrong", () => {
  for (const { name, wire, code } of FAULTS)
    it(name, () => {
      const octets = fromHex(hex(wire));
      const answer = decodePdu(octets, 0, octets.length);
      assert.equal(answer.kind, "malformed");
      assert.equal(answer.kind === "malformed" && answer.code, code);
      assert.equal(answer.kind === "malformed" && answer.isReport, octets[1] === 10);
    });

  const all = Buffer.concat(VECTORS.filter(({ version }) => version === 1).map(({ wire }) => fromHex(hex(wire))));
  const read = (pieces: readonly Uint8Array[]): string[] => {
    const framer = new PduFramer();
    const seen: string[] = [];
    for (const piece of pieces) {
      framer.feed(piece);
      for (let answer = framer.next(); answer.kind !== "need-more"; answer = framer.next()) {
        if (answer.kind === "malformed") return [...seen, "malformed"];
        seen.push(answer.pdu.type);
      }
    }
    return seen;
  };

  it("every truncation waits, every cut gives the same", () => {
    const whole = read([all]);
    assert.equal(whole.length, 10);
    for (let at = 0; at <= all.length; at++) assert.deepEqual(read([all.subarray(0, at), all.subarray(at)]), whole);
    assert.deepEqual(read(Array.from(all, (octet) => Uint8Array.of(octet))), whole);
    for (const { wire } of VECTORS) {
      const octets = fromHex(hex(wire));
      for (let end = 0; end < octets.length; end++) assert.equal(decodePdu(octets, 0, end).kind, "need-more");
    }
  });

  it("no octet that is changed leads to anything but an answer", (t) => {
    const seed = Date.now() & 0x7fffffff;
    t.diagnostic(`seed ${seed}`);
    const flips = fc.array(fc.tuple(fc.nat(all.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(flips, fc.nat(all.length), (changes, cut) => {
        const octets = all.slice();
        for (const [at, value] of changes) octets[at] = value;
        read([octets.subarray(0, cut), octets.subarray(cut)]);
      }),
      { seed, numRuns: 3000 },
    );
  });
});
