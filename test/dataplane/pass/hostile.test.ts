import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fromHex } from "../../../src/base/index.ts";
import { PORT_FLAG } from "../../../src/dataplane/abi.ts";
import { fragment } from "../suite/packets.ts";
import { type Bench, HOOKS, type Hook, TC, XDP } from "./bench.ts";
import { extended } from "./extension-cases.ts";
import { ethernet, IPV6_IN_IPV6, icmp, ipv6 } from "./frames.ts";
import { insideNamespace } from "./inside.ts";
import { routed, vxlanned } from "./tunnel-cases.ts";
import { CAP, CLIENT, datagram, LOCATOR, makeSpreadWorld, OTHER, segment, TENANT } from "./world.ts";

const payload = Uint8Array.from({ length: 24 }, (_, i) => i);
const tunnelled = (packet: Uint8Array) => ipv6({ source: OTHER, destination: LOCATOR }, IPV6_IN_IPV6, packet);

/** One packet for each way through the pass; of UDP nobody knows that it is VXLAN before so many octets of the frame. */
const PACKETS: readonly (readonly ["client" | "core" | "agent", Uint8Array, knownFrom?: number])[] = [
  ["client", segment(CAP.local, { options: Uint8Array.of(2, 4, 5, 0xb4), payload })],
  ["client", segment(CAP.remote, { flags: "A", payload })],
  ["client", segment(CAP.empty)],
  ["client", segment(CAP.unknown, { payload })],
  ["client", datagram(CAP.localUdp, { payload })],
  ["client", icmp({ source: CLIENT, destination: CAP.local }, 128, 0, payload)],
  ["core", tunnelled(segment(CAP.local, { payload }))],
  ["core", tunnelled(datagram(CAP.localUdp, { payload }))],
  ["core", routed(segment(CAP.local, { payload, sourcePort: 40001 }), { segments: [OTHER, LOCATOR] })],
  ["core", vxlanned(segment(CAP.local, { payload, sourcePort: 40002 })), 14 + 40 + 30],
  ["client", segment(CAP.segments, { flags: "A", payload })],
  ["client", extended(segment(CAP.local, { sourcePort: 40003, payload }), { protocol: 0 }, { protocol: 60, more: 8 })],
  ["client", segment(CAP.vxlan, { flags: "A", payload })],
  ["agent", segment(CLIENT, { source: CAP.local, payload })],
  ["agent", datagram(CAP.remote, { payload })],
  ["client", fragment(datagram(CAP.byAddress, { sourcePort: 40004, payload }), 1)],
  ["client", fragment(datagram(CAP.byAddress, { sourcePort: 40004, payload }), 8)],
  ["core", tunnelled(fragment(datagram(CAP.byAddress, { sourcePort: 40005, payload }), 9))],
  ["client", extended(fragment(datagram(CAP.byAddress, { payload }), 1), { protocol: 60 })],
  ["agent", fragment(datagram(CLIENT, { source: CAP.local, payload }), 9)],
  ["client", datagram(CAP.byConnection, { sourcePort: 40006, payload })],
  ["core", tunnelled(datagram(CAP.byConnection, { sourcePort: 40007, payload }))],
  ["client", datagram(CAP.byTurn, { sourcePort: 40008, payload })],
];

const TAGS = ["81000064", "88a80007", "8100e001"].map(fromHex);

/** The frame behind so many VLAN tags. */
function tagged(frame: Uint8Array, count: number): Uint8Array {
  return Buffer.concat([frame.subarray(0, 12), ...TAGS.slice(0, count), frame.subarray(12)]);
}

/** What a program may answer at all. */
const ACTIONS: Readonly<Record<Hook, readonly number[]>> = {
  xdp: [XDP.drop, XDP.pass, XDP.tx, XDP.redirect],
  tc: [TC.unspec, TC.ok, TC.shot, TC.redirect],
};

function define(hook: Hook): void {
  /** `run` itself insists on exactly one verdict. */
  const check = (bench: Bench, role: "client" | "core" | "agent", frame: Uint8Array) => {
    bench.port(1, role, TENANT, PORT_FLAG.vlans | (hook === "xdp" ? PORT_FLAG.partial : 0));
    const done = bench.run(hook, frame);
    assert.ok(ACTIONS[hook].includes(done.action), `${done.verdict} gave ${done.action}`);
    return done.verdict;
  };

  it("every truncation: dropped as truncated wherever it is known to be ours", async () => {
    using bench = await makeSpreadWorld();
    for (const [role, packet, knownFrom = 0] of PACKETS) {
      const whole = check(bench, role, ethernet(packet));
      // the kernel's test run takes no IPv6 socket buffer without a whole header
      const shortest = hook === "tc" ? 54 : 14;
      for (let length = shortest; length < 14 + packet.length; length++) {
        const verdict = check(bench, role, ethernet(packet).subarray(0, length));
        const isKnown = whole !== "passed" && length >= knownFrom;
        if (isKnown) assert.equal(verdict, "drop-truncated", `${whole} cut to ${length} octets`);
      }
    }
  });

  it("every truncation behind VLAN tags: the stack's while nobody knows what it is, then as without them", async () => {
    using bench = await makeSpreadWorld();
    for (const [role, packet, knownFrom = 0] of PACKETS.slice(0, 12))
      for (const count of [1, 2, 3]) {
        const frame = tagged(ethernet(packet), count);
        const whole = check(bench, role, frame);
        const plain = check(bench, role, ethernet(packet));
        if (count === 3) assert.equal(whole, "passed");
        else if (plain !== "passed") assert.notEqual(whole, "passed");
        for (let length = 14; length < Math.min(frame.length, 14 + 4 * count + 64); length++) {
          const verdict = check(bench, role, frame.subarray(0, length));
          const isOurs = whole !== "passed" && length >= Math.max(14, knownFrom) + 4 * count;
          if (isOurs || length < 14 + 4 * count)
            assert.equal(verdict, isOurs ? "drop-truncated" : "passed", `${count} tags, ${length} octets of ${whole}`);
        }
      }
  });

  it("every lie about the payload length", async () => {
    using bench = await makeSpreadWorld();
    for (const [role, packet] of PACKETS)
      for (const length of [0, 1, 7, 8, 19, 20, packet.length - 41, packet.length - 39, 1280, 0xffff]) {
        const lying = packet.slice();
        new DataView(lying.buffer).setUint16(4, length);
        const whole = check(bench, role, ethernet(packet));
        const verdict = check(bench, role, ethernet(lying));
        if (whole !== "passed" && length > packet.length - 40) assert.equal(verdict, "drop-truncated");
      }
  });

  it("bit flips: some verdict, always one", async (t) => {
    using bench = await makeSpreadWorld();
    const seed = Date.now() & 0x7fffffff;
    t.diagnostic(`seed ${seed}`);
    const flips = fc.array(fc.nat(8 * 150), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...PACKETS), flips, fc.constantFrom(0, 0, 0, 1, 2), ([role, packet], bits, count) => {
        const frame = tagged(ethernet(packet), count);
        for (const bit of bits) {
          const at = 14 + (bit >> 3);
          if (at < frame.length) frame[at] = frame[at]! ^ (1 << (bit & 7));
        }
        check(bench, role, frame);
      }),
      { seed, numRuns: 3000 },
    );
  });

  it("noise behind a valid address: some verdict, always one", async (t) => {
    using bench = await makeSpreadWorld();
    const seed = Date.now() & 0x7fffffff;
    t.diagnostic(`seed ${seed}`);
    const targets = fc.constantFrom(CAP.local, CAP.localUdp, CAP.remote, CAP.empty, CAP.unknown);
    const protocols = fc.constantFrom(0, 6, 17, 41, 43, 44, 50, 58, 60, 255);
    fc.assert(
      fc.property(
        targets,
        protocols,
        fc.uint8Array({ maxLength: 200 }),
        fc.boolean(),
        (destination, protocol, rest, inside) => {
          const packet = ipv6({ source: CLIENT, destination }, protocol, rest);
          check(bench, inside ? "core" : "client", ethernet(inside ? tunnelled(packet) : packet));
        },
      ),
      { seed, numRuns: 2000 },
    );
  });
}

insideNamespace(import.meta.filename, () => {
  for (const hook of HOOKS) describe(`hostile packets in ${hook}`, () => define(hook));
});
