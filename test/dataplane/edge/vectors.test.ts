import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { icmpToIpv4, icmpToIpv6 } from "../../../src/dataplane/memory/edge/icmp.ts";
import { type EdgeInput, processAtEdge } from "../../../src/dataplane/memory/edge/index.ts";
import { concatenate } from "../../../src/dataplane/memory/packet.ts";
import { checksumIsRight } from "../pass/frames.ts";
import { framed } from "./arbitrary.ts";
import { checksumIsRight4, datagram, icmp, ipv4, ipv6, segment, summed4, summed6 } from "./frames.ts";
import { AGENT, CAPABILITY, CLIENT, FLOWS, inOurPrefix, Model, V4 } from "./world.ts";

const IDENTIFICATION = 0x1234;

function through(place: EdgeInput["place"], role: EdgeInput["role"], type: number, packet: Uint8Array) {
  const input = { place, role, frame: framed(packet, type), identification: IDENTIFICATION };
  const { verdict, frame } = processAtEdge(new Model().state, input);
  return { verdict, packet: frame.subarray(14), type: (frame[12]! << 8) | frame[13]! };
}

const to6 = (packet: Uint8Array) => through("in", "client", 0x0800, packet);
const to4 = (packet: Uint8Array) => through("in", "core", 0x86dd, packet);
const DATA = Uint8Array.from({ length: 33 }, (_, i) => i * 7);

describe("IPv4 to IPv6 (RFC 7915 §4)", () => {
  const ends = { source: V4.client, destination: V4.capability };

  it("TCP: addresses by RFC 6052 §2.2, traffic class and hop limit kept, checksum right", () => {
    const { verdict, packet } = to6(
      summed4(ipv4({ ...ends, protocol: 6, tos: 0xb8, hopLimit: 9 }, segment(4000, 80, DATA))),
    );
    assert.equal(verdict, "edge-to-ipv6");
    assert.deepEqual(packet.slice(8, 24), inOurPrefix(V4.client));
    assert.deepEqual(packet.slice(24, 40), CAPABILITY);
    assert.deepEqual([packet[0], packet[1], packet[6], packet[7]], [0x6b, 0x80, 6, 9]);
    assert.ok(checksumIsRight(packet));
  });

  it("UDP without a checksum gets one; too long for that it is dropped (§4.5)", () => {
    const { packet } = to6(ipv4({ ...ends, protocol: 17 }, datagram(4000, 53, DATA)));
    assert.ok(checksumIsRight(packet));
    assert.notEqual((packet[46]! << 8) | packet[47]!, 0);
    const long = to6(ipv4({ ...ends, protocol: 17 }, datagram(4000, 53, new Uint8Array(1300))));
    assert.equal(long.verdict, "edge-drop-checksum");
  });

  it("ping (§4.2)", () => {
    const { packet } = to6(summed4(ipv4({ ...ends, protocol: 1 }, icmp(8, 0, 0x10001, DATA))));
    assert.deepEqual([packet[6], packet[40]], [58, 128]);
    assert.ok(checksumIsRight(packet));
  });

  it("an error: what it quotes is called again what it was called before, its checksum too (§4.3)", () => {
    const quoted = summed4(
      ipv4({ source: V4.capability, destination: V4.client, protocol: 6 }, segment(80, 4000, DATA)),
    );
    const { packet } = to6(
      summed4(ipv4({ source: V4.client, destination: V4.capability, protocol: 1 }, icmp(3, 4, 1400, quoted))),
    );
    assert.deepEqual([...packet.slice(40, 42), ...packet.slice(44, 48)], [2, 0, 0, 0, 0x05, 0x8c]); // 1420
    assert.ok(checksumIsRight(packet));
    const inner = packet.subarray(48);
    assert.deepEqual([inner.slice(8, 24), inner.slice(24, 40)], [CAPABILITY, inOurPrefix(V4.client)]);
    assert.ok(checksumIsRight(inner));
  });

  it("an address that no capability has becomes one of the tenant's that none has either", () => {
    const { packet } = to6(summed4(ipv4({ ...ends, destination: V4.nobody, protocol: 6 }, segment(1, 80))));
    assert.deepEqual([...packet.slice(24, 40)], [...CAPABILITY.slice(0, 8), 0, 0, 198, 18, 0, 9, 0, 0]);
  });

  for (const [what, packet, verdict] of [
    [
      "fragments (no flow of theirs is known)",
      ipv4({ ...ends, protocol: 17, fragment: 0x2000 }, datagram(1, 2)),
      "edge-drop-fragment",
    ],
    [
      "options",
      ipv4({ ...ends, protocol: 6, options: Uint8Array.of(1, 1, 1, 0) }, segment(1, 2)),
      "edge-drop-protocol",
    ],
    [
      "other protocols, some of which would be extension headers",
      ipv4({ ...ends, protocol: 60 }, segment(1, 2)),
      "edge-drop-protocol",
    ],
    ["a loopback source", ipv4({ ...ends, source: 0x7f000001, protocol: 6 }, segment(1, 2)), "edge-drop-address"],
    ["a source out of a pool", ipv4({ ...ends, source: V4.other, protocol: 6 }, segment(1, 2)), "edge-drop-address"],
    [
      "an address that no guest has",
      ipv4({ ...ends, destination: V4.guest, protocol: 6 }, segment(1, 2)),
      "edge-drop-no-guest",
    ],
  ] as const)
    it(`drops ${what}`, () => assert.equal(to6(packet).verdict, verdict));
});

describe("IPv6 to IPv4 (RFC 7915 §5)", () => {
  const ends = { source: CAPABILITY, destination: inOurPrefix(V4.client) };

  it("TCP: a small packet may be cut and has an identification, a big one may not (§5.1)", () => {
    const small = to4(summed6(ipv6(ends, 6, segment(80, 4000, DATA)))).packet;
    assert.deepEqual([small[4], small[5], small[6], small[7]], [0x12, 0x34, 0, 0]);
    assert.ok(checksumIsRight4(small));
    const big = to4(summed6(ipv6(ends, 6, segment(80, 4000, new Uint8Array(1300))))).packet;
    assert.deepEqual([big[4], big[5], big[6], big[7]], [0, 0, 0x40, 0]);
    assert.ok(checksumIsRight4(big));
  });

  it("an error of a router on the way comes from 192.0.0.8 (RFC 7600)", () => {
    const quoted = summed6(
      ipv6({ source: inOurPrefix(V4.client), destination: CAPABILITY }, 6, segment(4000, 80, DATA)),
    );
    const error = summed6(ipv6({ ...ends, source: CLIENT }, 58, icmp(2, 0, 1460, quoted)));
    const { packet } = to4(error);
    assert.deepEqual([...packet.slice(12, 16)], [192, 0, 0, 8]);
    assert.deepEqual([packet[9], packet[20], packet[21], packet[26], packet[27]], [1, 3, 4, 0x05, 0xa0]); // 1440
    assert.ok(checksumIsRight4(packet));
    assert.ok(checksumIsRight4(packet.subarray(28)));
  });

  it("a client's packet to an IPv4 agent needs a flow of a capability", () => {
    const agent = inOurPrefix(V4.agent);
    const known = FLOWS[2];
    const admitted = to4(summed6(ipv6({ source: known.client, destination: agent }, 6, segment(4000, 8080))));
    assert.equal(admitted.verdict, "edge-to-ipv4");
    assert.deepEqual([...admitted.packet.slice(12, 15)], [198, 19, 0]);
    const stranger = to4(summed6(ipv6({ source: known.client, destination: agent }, 6, segment(4001, 8080))));
    assert.equal(stranger.verdict, "edge-drop-stranger");
  });

  it("an address in the prefix that no host has", () => {
    const { verdict } = to4(summed6(ipv6({ ...ends, destination: inOurPrefix(0x7f000001) }, 6, segment(80, 1))));
    assert.equal(verdict, "edge-drop-address");
  });
});

describe("an agent that calls itself", () => {
  it("gets its call from the router, and its answer as from the capability's flow", () => {
    const call = through(
      "out",
      "agent",
      0x86dd,
      summed6(ipv6({ source: AGENT, destination: AGENT }, 6, segment(4000, 8080))),
    );
    assert.equal(call.verdict, "edge-to-itself");
    assert.ok(checksumIsRight(call.packet));
    const router = call.packet.slice(8, 24);
    const answer = through(
      "in",
      "agent",
      0x86dd,
      summed6(ipv6({ source: AGENT, destination: router }, 6, segment(8080, 4000))),
    );
    assert.equal(answer.verdict, "edge-from-itself");
    assert.deepEqual(answer.packet.slice(24, 40), AGENT);
    assert.ok(checksumIsRight(answer.packet));
  });
});

describe("names of ICMP messages", () => {
  it("IPv4 to IPv6 (RFC 7915 §4.2, figure 3)", () => {
    const unreachable = Array.from({ length: 16 }, (_, code) => icmpToIpv6({ type: 3, code, rest: 0 }, 1500)?.code);
    assert.deepEqual(unreachable, [0, 0, 1, 4, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, undefined, 1]);
    const pointers = Array.from(
      { length: 21 },
      (_, at) => icmpToIpv6({ type: 12, code: 0, rest: (at << 24) >>> 0 }, 0)?.rest,
    );
    const none = undefined;
    assert.deepEqual(pointers, [
      0,
      1,
      4,
      4,
      none,
      none,
      none,
      none,
      7,
      6,
      none,
      none,
      8,
      8,
      8,
      8,
      24,
      24,
      24,
      24,
      none,
    ]);
    assert.deepEqual(icmpToIpv6({ type: 3, code: 4, rest: 0 }, 1500), { type: 2, code: 0, rest: 1512 }); // plateau: RFC 1191 §7.1
    assert.deepEqual(icmpToIpv6({ type: 3, code: 4, rest: 576 }, 1500), { type: 2, code: 0, rest: 1280 });
    assert.deepEqual(icmpToIpv6({ type: 11, code: 1, rest: 7 }, 0), { type: 3, code: 1, rest: 0 });
    for (const type of [4, 5, 9, 10, 13, 15, 17]) assert.equal(icmpToIpv6({ type, code: 0, rest: 0 }, 0), undefined);
  });

  it("IPv6 to IPv4 (RFC 7915 §5.2, figure 6)", () => {
    const unreachable = Array.from({ length: 6 }, (_, code) => icmpToIpv4({ type: 1, code, rest: 0 })?.code);
    assert.deepEqual(unreachable, [1, 10, 1, 1, 3, undefined]);
    const pointer = (rest: number) => icmpToIpv4({ type: 4, code: 0, rest });
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 23, 24, 39, 40].map((at) =>
        pointer(at) === undefined ? undefined : pointer(at)!.rest >>> 24,
      ),
      [0, 1, undefined, undefined, 2, 2, 9, 8, 12, 12, 16, 16, undefined],
    );
    assert.deepEqual(icmpToIpv4({ type: 4, code: 1, rest: 6 }), { type: 3, code: 2, rest: 0 });
    assert.deepEqual(icmpToIpv4({ type: 2, code: 0, rest: 1400 }), { type: 3, code: 4, rest: 1380 });
    assert.equal(icmpToIpv4({ type: 4, code: 2, rest: 0 }), undefined);
  });
});

describe("what is cut off", () => {
  it("is never taken for whole, at any octet", () => {
    const quoted = summed4(ipv4({ source: V4.capability, destination: V4.client, protocol: 6 }, segment(80, 4000)));
    for (const whole of [
      summed4(ipv4({ source: V4.client, destination: V4.capability, protocol: 6 }, segment(4000, 80, DATA))),
      summed4(ipv4({ source: V4.client, destination: V4.capability, protocol: 1 }, icmp(3, 1, 0, quoted))),
    ])
      for (let length = 0; length < whole.length; length++)
        assert.doesNotMatch(to6(concatenate(whole.subarray(0, length))).verdict, /edge-to/, `${length} octets`);
  });
});
