import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { PORT_FLAG } from "../../../src/dataplane/abi.ts";
import { type Bench, HOOKS, type Hook, XDP } from "./bench.ts";
import { checksumIsRight, ethernet, finished, icmp, onesSum, pseudoHeader, readIpv6, unfinished } from "./frames.ts";
import { insideNamespace, WORLD } from "./inside.ts";
import {
  AGENT,
  CAP,
  CLIENT,
  datagram,
  makeWorld,
  NARROW,
  OTHER,
  readdressed,
  segment,
  TENANT,
  UNROUTED,
} from "./world.ts";

/** Whether a device that finishes the quoted checksum makes the ICMPv6 error right. */
function rightOnceFinished(out: Uint8Array): boolean {
  return checksumIsRight(finished(out, 40 + 8 + 40, out[40 + 8 + 6]!));
}

/** A UDP payload that gives the translated or original packet the checksum wanted, out of 65536 tries. */
function payloadFor(make: (payload: Uint8Array) => Uint8Array, wanted: number): Uint8Array {
  for (let value = 0; value < 0x10000; value++) {
    const payload = Uint8Array.of(value >>> 8, value & 0xff);
    const packet = make(payload);
    if (((packet[46]! << 8) | packet[47]!) === wanted) return payload;
  }
  throw new Error("no payload gives that checksum");
}

function anyPort(hook: Hook): void {
  it("TCP and UDP of every length stay right", async () => {
    using bench = await makeWorld();
    for (let length = 0; length <= 64; length++) {
      const payload = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 0xff);
      for (const packet of [
        segment(CAP.local, { sourcePort: 1000 + length, payload }),
        datagram(CAP.localUdp, { sourcePort: 1000 + length, payload }),
      ]) {
        const { verdict, packet: out } = bench.run(hook, ethernet(packet));
        assert.equal(verdict, "delivered");
        assert.ok(checksumIsRight(out), `${length} octets`);
      }
    }
  });

  it("UDP: a checksum that comes out as zero is sent as ffff, one that was not there stays absent (RFC 8200 §8.1)", async () => {
    using bench = await makeWorld();
    const translated = (payload: Uint8Array) =>
      readdressed(datagram(CAP.localUdp, { payload }), { destination: [AGENT, 5353] }, 64);
    const packet = datagram(CAP.localUdp, { payload: payloadFor(translated, 0xffff) });
    const { packet: out } = bench.run(hook, ethernet(packet));
    assert.deepEqual([out[46], out[47]], [0xff, 0xff]);
    assert.ok(checksumIsRight(out));
    const without = packet.slice();
    without.fill(0, 46, 48);
    const { verdict, packet: still } = bench.run(hook, ethernet(without));
    assert.equal(verdict, "delivered");
    assert.deepEqual([still[46], still[47]], [0, 0]);
  });

  it("frames with octets behind the packet: answers and translations do not count them", async () => {
    using bench = await makeWorld();
    const padded = (packet: Uint8Array) => Uint8Array.of(...ethernet(packet), 0xde, 0xad, 0xbe);
    for (const [packet, verdict] of [
      [segment(CAP.empty), "reject-empty-group"],
      [segment(CAP.unknown), "reject-no-route"],
      [datagram(CAP.unknown, { payload: Uint8Array.of(1) }), "reject-no-route"],
    ] as const) {
      const done = bench.run(hook, padded(packet));
      assert.equal(done.verdict, verdict);
      assert.equal(readIpv6(done.packet).payloadLength, done.packet.length - 40);
      assert.ok(checksumIsRight(done.packet));
    }
    const { packet: out } = bench.run(hook, padded(segment(CAP.local)));
    assert.ok(checksumIsRight(out.subarray(0, -3)));
  });

  it("errors quote any length and stay right", async () => {
    using bench = await makeWorld();
    for (let length = 0; length < 40; length++) {
      const { packet: out } = bench.run(
        hook,
        ethernet(datagram(CAP.unknown, { payload: new Uint8Array(length).fill(0xa5) })),
      );
      assert.equal(out.length, 40 + 8 + 48 + length);
      assert.ok(checksumIsRight(out), `${length} octets`);
    }
  });
}

function partialPort(): void {
  const start = async (): Promise<Bench> => {
    const bench = await makeWorld();
    bench.port(1, "client", TENANT, PORT_FLAG.partial);
    return bench;
  };

  it("unfinished TCP and UDP stay unfinished, right once a device finishes them", async () => {
    using bench = await start();
    for (const packet of [
      segment(CAP.local, { payload: new Uint8Array(333).fill(3) }),
      datagram(CAP.localUdp, { payload: new Uint8Array(5).fill(4) }),
    ]) {
      const { verdict, packet: out } = bench.run("xdp", ethernet(unfinished(packet)));
      assert.equal(verdict, "delivered");
      assert.deepEqual(out.slice(), unfinished(out));
      assert.ok(checksumIsRight(finished(out)));
    }
  });

  it("finished ones get the full update", async () => {
    using bench = await start();
    const { packet: out } = bench.run("xdp", ethernet(segment(CAP.local, { payload: new Uint8Array(9) })));
    assert.ok(checksumIsRight(out));
  });

  it("a RST in place of an unfinished segment is unfinished; an error about one is right once the quote is", async () => {
    using bench = await start();
    const reset = bench.run("xdp", ethernet(unfinished(segment(CAP.empty)))).packet;
    assert.deepEqual(reset.slice(), unfinished(reset));
    assert.ok(checksumIsRight(finished(reset)));
    for (const length of [0, 1, 500, 1400]) {
      const packet = unfinished(datagram(CAP.unknown, { payload: new Uint8Array(length).fill(length) }));
      assert.ok(rightOnceFinished(bench.run("xdp", ethernet(packet)).packet), `${length} octets`);
    }
  });

  it("without the flag the same field is an ordinary checksum: the update keeps the difference", async () => {
    using bench = await makeWorld();
    const packet = unfinished(segment(CAP.local));
    const error = (p: Uint8Array) =>
      onesSum(pseudoHeader(p.subarray(8, 24), p.subarray(24, 40), p.length - 40, p[6]!), p.subarray(40));
    assert.equal(error(bench.run("xdp", ethernet(packet)).packet), error(packet));
  });
}

function directPort(): void {
  const HERE = Uint8Array.of(2, 0, 0, 0, 10, 1);
  const THERE = Uint8Array.of(2, 0, 0, 0, 10, 2);
  const start = async (towards: "direct" | "by the stack" = "direct"): Promise<Bench> => {
    const bench = await makeWorld();
    bench.port(1, "client", TENANT, PORT_FLAG.direct);
    const ifindex = loadNative().sock.interfaceIndex(WORLD.towards)!;
    bench.port(ifindex, "core", 0, towards === "direct" ? PORT_FLAG.direct : 0);
    return bench;
  };

  it(`redirects to ${WORLD.towards} with the neighbour's address, hop limit decremented`, async () => {
    using bench = await start();
    for (const [packet, verdict] of [
      [segment(CAP.local), "delivered"],
      [segment(CAP.remote), "encapsulated"],
    ] as const) {
      const done = bench.run("xdp", ethernet(packet));
      assert.deepEqual([done.verdict, done.action], [verdict, XDP.redirect]);
      assert.deepEqual(done.frame.slice(0, 14), Uint8Array.of(...THERE, ...HERE, 0x86, 0xdd));
    }
    const delivered = bench.run("xdp", ethernet(segment(CAP.local))).packet;
    assert.deepEqual(delivered.slice(), readdressed(segment(CAP.local), { destination: [AGENT, 8080] }, 63));
    assert.deepEqual(readIpv6(bench.run("xdp", ethernet(segment(CAP.remote))).packet).destination, OTHER);
  });

  it("leaves to the stack what goes out of a port that takes no redirected frames, or of none", async () => {
    using bench = await start("by the stack");
    const sent = [segment(CAP.local), segment(CAP.remote)].map((packet) => bench.run("xdp", ethernet(packet)));
    assert.deepEqual(
      sent.map(({ verdict, action }) => [verdict, action]),
      [
        ["delivered", XDP.pass],
        ["encapsulated", XDP.pass],
      ],
    );
    assert.equal(readIpv6(sent[0]!.packet).hopLimit, 64, "the stack lowers it");
  });

  it("leaves what has no route to the stack, hop limit and all", async () => {
    using bench = await start();
    const done = bench.run("xdp", ethernet(segment(CAP.unrouted)));
    assert.deepEqual([done.verdict, done.action], ["delivered", XDP.pass]);
    assert.deepEqual(readIpv6(done.packet).destination, UNROUTED);
    assert.equal(readIpv6(done.packet).hopLimit, 64);
  });

  it("knows the MTU of the link to the agent", async () => {
    using bench = await start();
    const fits = bench.run("xdp", ethernet(segment(CAP.narrow, { payload: new Uint8Array(1340) })));
    assert.deepEqual([fits.verdict, readIpv6(fits.packet).destination], ["delivered", NARROW]);
    const over = bench.run("xdp", ethernet(segment(CAP.narrow, { payload: new Uint8Array(1341) })));
    assert.deepEqual([over.verdict, over.action], ["reject-too-big", XDP.tx]);
  });

  it("answers through the port of arrival with the addresses swapped", async () => {
    using bench = await start();
    const echo = icmp({ source: CLIENT, destination: CAP.local }, 128, 0, new Uint8Array(8));
    for (const packet of [segment(CAP.empty), segment(CAP.unknown), echo]) {
      const done = bench.run("xdp", ethernet(packet));
      assert.equal(done.action, XDP.tx);
      assert.deepEqual(done.frame.slice(0, 14), Uint8Array.of(2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x86, 0xdd));
    }
  });
}

insideNamespace(import.meta.filename, () => {
  for (const hook of HOOKS) describe(`checksums in ${hook}`, () => anyPort(hook));
  describe("XDP on a port that may see unfinished checksums", partialPort);
  describe("XDP on a port that sends by itself", directPort);
});
