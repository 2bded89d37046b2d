import assert from "node:assert/strict";
import { test } from "node:test";
import { whyNoPass } from "../pass/bench.ts";
import { framed } from "./arbitrary.ts";
import { checksumIsRight4, datagram, icmp, ipv4, segment, summed4 } from "./frames.ts";
import { Programs, TENANT, V4 } from "./world.ts";

const ROUTER = [192, 0, 0, 8];

/** What becomes of an IPv4 packet of a client: through the edge, the pass, and the edge where the answer leaves. */
function asked(programs: Programs, packet: Uint8Array, tenant: number) {
  const { bench } = programs;
  const arrived = programs.run("in", "client", framed(packet, 0x0800));
  assert.equal(arrived.verdict, "edge-to-ipv6");
  bench.port(1, "client", tenant);
  const { verdict, frame } = bench.run("tc", arrived.frame);
  const left = programs.run("out", "client", frame);
  return { verdict, left: left.verdict, packet: left.frame.subarray(14) };
}

test("an IPv4 client of another tenant, and one that asks for nothing there is, are told the same", async (t) => {
  const reason = whyNoPass();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  using programs = await Programs.load();
  const udp = (destination: number) =>
    summed4(ipv4({ source: V4.client, destination, protocol: 17 }, datagram(4000, 53, new Uint8Array(20))));
  const tcp = (destination: number) =>
    summed4(ipv4({ source: V4.client, destination, protocol: 6 }, segment(4000, 80)));
  const ping = (destination: number) =>
    summed4(ipv4({ source: V4.client, destination, protocol: 1 }, icmp(8, 0, 0x10001, new Uint8Array(8))));
  for (const build of [udp, tcp, ping])
    for (const [destination, tenant, verdict] of [
      [V4.capability, TENANT + 1, "reject-tenant"],
      [V4.capability, TENANT, "reject-no-route"], // no table knows it
      [V4.nobody, TENANT, "reject-no-route"],
    ] as const) {
      const sent = build(destination);
      const told = asked(programs, sent, tenant);
      assert.deepEqual([told.verdict, told.left], [verdict, "edge-to-ipv4"]);
      const { packet } = told;
      assert.ok(checksumIsRight4(packet));
      assert.deepEqual([...packet.slice(12, 16)], ROUTER);
      assert.deepEqual([packet[9], packet[20], packet[21]], [1, 3, 1], "host unreachable");
      const quoted = packet.subarray(28);
      assert.ok(checksumIsRight4(quoted), "the quote is the packet that was sent");
      assert.deepEqual([...quoted.slice(12, 20)], [...sent.slice(12, 20)]);
      assert.deepEqual([...quoted.slice(20)], [...sent.slice(20)]);
    }
});

test("a hop limit that ends is said by a router without an IPv4 address", async (t) => {
  const reason = whyNoPass();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  using programs = await Programs.load();
  const sent = ipv4({ source: V4.client, destination: V4.capability, protocol: 17, hopLimit: 1 }, datagram(4000, 53));
  const { verdict, packet } = asked(programs, summed4(sent), TENANT);
  assert.equal(verdict, "reject-hop-limit");
  assert.deepEqual([packet[20], packet[21], ...packet.slice(12, 16)], [11, 0, ...ROUTER]);
  assert.ok(checksumIsRight4(packet));
});
