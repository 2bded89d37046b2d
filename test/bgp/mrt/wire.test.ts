import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fromHex, parseIpv6, toHex, Writer } from "../../../src/base/index.ts";
import {
  decodeBgp4mp,
  decodeTableDump,
  encodeBgp4mpMessage,
  encodeDumpRoute,
  encodePeerIndexTable,
  encodeStateChange,
  MrtFramer,
  type MrtRecord,
} from "../../../src/bgp/mrt/index.ts";
import { encodeKeepalive, IPV4_UNICAST, IPV6_UNICAST } from "../../../src/bgp/wire/index.ts";

const TIME = 0x65000000;
const v6 = (text: string): Uint8Array => parseIpv6(text)!;
const hex = (text: string): string => text.replace(/[\s|]/g, "");

/** What the record says, without framing. */
function decoded(octets: Uint8Array): unknown {
  const framer = new MrtFramer();
  framer.feed(octets);
  const answer = framer.next();
  assert.equal(answer.kind, "record");
  assert.equal(framer.next().kind, "need-more");
  assert.equal(framer.left, 0);
  const { type, subtype, body } = answer as MrtRecord;
  return type === 13 ? decodeTableDump(subtype, body) : decodeBgp4mp(subtype, body);
}

const ENDS = {
  peerAs: 65551,
  localAs: 65000,
  peerAddress: v6("::ffff:192.0.2.2"),
  localAddress: v6("::ffff:192.0.2.1"),
};
const PEERS = [
  { bgpIdentifier: 0x0a000001, address: v6("2001:db8::1"), autonomousSystem: 65551 },
  { bgpIdentifier: 0x0a000002, address: v6("::ffff:192.0.2.2"), autonomousSystem: 65000 },
];
const ORIGIN = fromHex("40010100");

const VECTORS: readonly {
  readonly name: string;
  readonly see: string;
  readonly write: (out: Writer) => void;
  readonly wire: string;
  readonly says: unknown;
}[] = [
  {
    name: "PEER_INDEX_TABLE, one peer of each family",
    see: "RFC 6396 §4.3.1",
    write: (out) => encodePeerIndexTable(out, TIME, { collectorId: 0x0a000009, viewName: "v", peers: PEERS }),
    wire: `65000000 000d 0001 0000002f | 0a000009 0001 76 0002
      | 03 0a000001 20010db8000000000000000000000001 0001000f | 02 0a000002 c0000202 0000fde8`,
    says: { kind: "peers", table: { collectorId: 0x0a000009, viewName: "v", peers: PEERS } },
  },
  {
    name: "RIB_IPV4_UNICAST",
    see: "RFC 6396 §4.3.2",
    write: (out) => {
      const paths = [{ peer: 1, originated: 7, attributes: ORIGIN }];
      encodeDumpRoute(out, TIME, 5, { family: IPV4_UNICAST, nlri: fromHex("18c00002"), paths });
    },
    wire: "65000000 000d 0002 00000016 | 00000005 18c00002 0001 | 0001 00000007 0004 40010100",
    says: {
      kind: "route",
      route: {
        family: IPV4_UNICAST,
        nlri: fromHex("18c00002"),
        paths: [{ peer: 1, originated: 7, attributes: ORIGIN }],
      },
    },
  },
  {
    name: "RIB_IPV6_UNICAST_ADDPATH",
    see: "RFC 8050 §4",
    write: (out) => {
      const paths = [{ peer: 0, originated: 7, pathId: 9, attributes: ORIGIN }];
      encodeDumpRoute(out, TIME, 6, { family: IPV6_UNICAST, nlri: fromHex("2020010db8"), paths });
    },
    wire: "65000000 000d 000a 0000001b | 00000006 2020010db8 0001 | 0000 00000007 00000009 0004 40010100",
    says: {
      kind: "route",
      route: {
        family: IPV6_UNICAST,
        nlri: fromHex("2020010db8"),
        paths: [{ peer: 0, originated: 7, pathId: 9, attributes: ORIGIN }],
      },
    },
  },
  {
    name: "RIB_GENERIC for the capability family",
    see: "RFC 6396 §4.3.3",
    write: (out) => {
      const paths = [{ peer: 0, originated: 7, attributes: ORIGIN }];
      encodeDumpRoute(out, TIME, 6, { family: { afi: 2, safi: 251 }, nlri: fromHex("0203aabbcc"), paths });
    },
    wire: "65000000 000d 0006 0000001a | 00000006 0002 fb 0203aabbcc 0001 | 0000 00000007 0004 40010100",
    says: {
      kind: "route",
      route: {
        family: { afi: 2, safi: 251 },
        nlri: fromHex("0203aabbcc"),
        paths: [{ peer: 0, originated: 7, attributes: ORIGIN }],
      },
    },
  },
  {
    name: "BGP4MP_MESSAGE_AS4",
    see: "RFC 6396 §4.4.3",
    write: (out) =>
      encodeBgp4mpMessage(out, TIME, ENDS, { asWidth: 4, direction: "received", addPath: false }, encodeKeepalive()),
    wire: `65000000 0010 0004 00000027 | 0001000f 0000fde8 0000 0001 c0000202 c0000201 | ${"ff".repeat(16)} 0013 04`,
    says: {
      kind: "message",
      ends: ENDS,
      form: { asWidth: 4, direction: "received", addPath: false },
      message: encodeKeepalive(),
    },
  },
  {
    name: "BGP4MP_MESSAGE of a session with 2-octet AS numbers",
    see: "RFC 6396 §4.4.2; RFC 6793 §9",
    write: (out) =>
      encodeBgp4mpMessage(out, TIME, ENDS, { asWidth: 2, direction: "received", addPath: false }, encodeKeepalive()),
    wire: `65000000 0010 0001 00000023 | 5ba0 fde8 0000 0001 c0000202 c0000201 | ${"ff".repeat(16)} 0013 04`,
    says: {
      kind: "message",
      ends: { ...ENDS, peerAs: 23456 },
      form: { asWidth: 2, direction: "received", addPath: false },
      message: encodeKeepalive(),
    },
  },
  {
    name: "BGP4MP_STATE_CHANGE_AS4",
    see: "RFC 6396 §4.4.4",
    write: (out) => encodeStateChange(out, TIME, ENDS, { from: "OpenConfirm", to: "Established" }),
    wire: "65000000 0010 0005 00000018 | 0001000f 0000fde8 0000 0001 c0000202 c0000201 | 0005 0006",
    says: { kind: "state-change", ends: ENDS, from: "OpenConfirm", to: "Established" },
  },
];

describe("what is written is what the RFC draws, and is read back", () => {
  for (const { name, see, write, wire, says } of VECTORS) {
    it(`${name} (${see})`, () => {
      const out = new Writer();
      write(out);
      assert.equal(toHex(out.finish()), hex(wire));
      assert.deepEqual(decoded(fromHex(hex(wire))), says);
    });
  }

  it("the extended timestamp is read (RFC 6396 §3)", () => {
    const framer = new MrtFramer();
    framer.feed(
      fromHex(hex("65000000 0011 0005 0000001c 000003e8 0001000f 0000fde8 0000 0001 c0000202 c0000201 0005 0006")),
    );
    const { type, microseconds, body } = framer.next() as MrtRecord;
    assert.deepEqual([type, microseconds, decodeBgp4mp(5, body).kind], [16, 1000, "state-change"]);
  });
});

const ALL = Buffer.concat(VECTORS.map(({ wire }) => fromHex(hex(wire))));

/** Reads everything there is; nothing but an answer may come of it. */
function readAll(framer: MrtFramer, pieces: readonly Uint8Array[]): string[] {
  const seen: string[] = [];
  for (const piece of pieces) {
    framer.feed(piece);
    for (let answer = framer.next(); answer.kind !== "need-more"; answer = framer.next()) {
      if (answer.kind === "malformed") return [...seen, "malformed"];
      const { type, subtype, body } = answer;
      seen.push(`${type}/${subtype}`, (type === 13 ? decodeTableDump : decodeBgp4mp)(subtype, body).kind);
    }
  }
  return seen;
}

describe("hostile files", () => {
  const whole = readAll(new MrtFramer(), [ALL]);

  it("every cut of the stream into two gives the same answers", () => {
    for (let at = 0; at <= ALL.length; at++) {
      assert.deepEqual(readAll(new MrtFramer(), [ALL.subarray(0, at), ALL.subarray(at)]), whole, `cut at ${at}`);
    }
    const single = Array.from(ALL, (octet) => Uint8Array.of(octet));
    assert.deepEqual(readAll(new MrtFramer(), single), whole);
  });

  it("every body cut short is malformed, or a message that is shorter", () => {
    for (const { wire } of VECTORS) {
      const octets = fromHex(hex(wire));
      const subtype = (octets[6]! << 8) | octets[7]!;
      const decode = octets[5] === 13 ? decodeTableDump : decodeBgp4mp;
      for (let length = 12; length < octets.length; length++) {
        const { kind } = decode(subtype, octets.subarray(12, length));
        assert.ok(kind === "malformed" || kind === "message", `${wire} cut to ${length}: ${kind}`);
      }
    }
  });

  it("a length beyond the limit is malformed before anything is kept", () => {
    const framer = new MrtFramer(1000);
    framer.feed(fromHex("65000000000d0002000003e9"));
    assert.deepEqual(framer.next(), { kind: "malformed", reason: "a record of 1001 octets, more than 1000", at: 0 });
  });

  it("no octet that is changed leads to anything but an answer", (t) => {
    const seed = Date.now() & 0x7fffffff;
    t.diagnostic(`seed ${seed}`);
    const changes = fc.array(fc.tuple(fc.nat(ALL.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(changes, fc.nat(ALL.length), (flips, cut) => {
        const octets = ALL.slice();
        for (const [at, value] of flips) octets[at] = value;
        readAll(new MrtFramer(1 << 20), [octets.subarray(0, cut), octets.subarray(cut)]);
      }),
      { seed, numRuns: 3000 },
    );
  });
});
