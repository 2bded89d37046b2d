import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { octetsEqual } from "../../../src/base/index.ts";
import { pseudoHeaderSum, sumOf } from "../../../src/dataplane/memory/checksum.ts";
import { type Ipv6Packet, Ipv6Packet as Packet, Protocol, u16 } from "../../../src/dataplane/memory/packet.ts";
import { type CapabilityEntry, lastLegAddress, type Operation } from "../../../src/forwarding/index.ts";
import { ethernet, icmpv6, ipv6, tcp, udp } from "./frames.ts";
import {
  AGENT,
  allSlots,
  CAPABILITY,
  CLIENT,
  GROUPS,
  INSTANCE,
  LOCAL,
  OTHER_LOCATOR,
  OWN_LOCATOR,
  SECOND_CAPABILITY,
  started,
  TUNNEL,
} from "./story.ts";

const SYN = 0x02;
const ACK = 0x10;
const RST = 0x04;
const toCapability = { source: CLIENT, destination: CAPABILITY };
const syn = (sourcePort = 4000): Uint8Array => tcp(toCapability, { sourcePort, destinationPort: 80, flags: SYN });
const ack = (sourcePort = 4000): Uint8Array => tcp(toCapability, { sourcePort, destinationPort: 80, flags: ACK });

function capability(entry: Partial<CapabilityEntry>): Operation {
  return { type: "set-capability", entry: { address: CAPABILITY, group: 0, localGroup: 0, ...entry } };
}

const TABLES = [TUNNEL, LOCAL, INSTANCE, ...GROUPS];
const remote = (): ReturnType<typeof started> => started([...TABLES, capability({ group: 1 })]);
const here = (): ReturnType<typeof started> => started([...TABLES, capability({ group: 2, localGroup: 3 })]);

/** The IPv6 packet in a frame. */
const inside = (frame: Uint8Array): Ipv6Packet => new Packet(frame.subarray(14));

function assertChecksum(packet: Ipv6Packet): void {
  const { source, destination, nextHeader, payload } = packet;
  assert.equal(sumOf(payload, pseudoHeaderSum(source, destination, payload.length, nextHeader)), 0xffff);
}

describe("the model of the pass", () => {
  it("encapsulates towards the chosen site (step 5)", () => {
    const { verdict, action, frame } = remote().process("client0", ethernet(syn()));
    assert.deepEqual([verdict, action], ["encapsulated", "forward"]);
    const outer = inside(frame);
    assert.equal(outer.nextHeader, Protocol.Ipv6);
    assert.equal(outer.hopLimit, 64);
    assert.deepEqual([...outer.source], [...OWN_LOCATOR]);
    assert.deepEqual([...outer.destination], [...OTHER_LOCATOR]);
    const expected = syn();
    expected[7] = 63;
    assert.deepEqual([...outer.payload], [...expected]);
  });

  it("translates to the instance and back (steps 4 and 6)", () => {
    const dataplane = here();
    const there = dataplane.process("client0", ethernet(syn()));
    assert.deepEqual([there.verdict, there.action], ["delivered", "forward"]);
    const delivered = inside(there.frame);
    assert.ok(octetsEqual(delivered.destination, AGENT));
    assert.equal(u16(delivered.payload, 2), 8080);
    assert.equal(delivered.hopLimit, 63, "tc sends by itself, so it lowers the hop limit");
    assertChecksum(delivered);

    const answer = tcp(
      { source: AGENT, destination: CLIENT },
      { sourcePort: 8080, destinationPort: 4000, flags: 0x12 },
    );
    const back = dataplane.process("agent0", ethernet(answer));
    assert.deepEqual([back.verdict, back.action], ["returned", "forward"]);
    const returned = inside(back.frame);
    assert.ok(octetsEqual(returned.source, CAPABILITY));
    assert.equal(u16(returned.payload, 0), 80);
    assertChecksum(returned);
    assert.equal(dataplane.process("client0", ethernet(ack())).verdict, "delivered");
    assert.deepEqual(dataplane.counters().nextHops.get(3), { packets: 2n, bytes: 120n, flows: 1n });
  });

  it("delivers what came out of a tunnel from a known router, and only that (steps 1 and 4)", () => {
    const dataplane = here();
    const tunnelled = ethernet(ipv6({ source: OTHER_LOCATOR, destination: OWN_LOCATOR }, Protocol.Ipv6, syn()));
    assert.equal(dataplane.process("core0", tunnelled).verdict, "drop-unknown-node");
    dataplane.apply([{ type: "set-node", locator: OTHER_LOCATOR }], 2);
    const { verdict, frame } = dataplane.process("core0", tunnelled);
    assert.equal(verdict, "delivered");
    assert.equal(inside(frame).nextHeader, Protocol.Tcp);
    assert.equal(inside(frame).hopLimit, 64, "behind XDP_PASS the kernel lowers it");
    const astray = ipv6(
      { source: OTHER_LOCATOR, destination: OWN_LOCATOR },
      Protocol.Ipv6,
      tcp({ source: CLIENT, destination: AGENT }, { sourcePort: 1, destinationPort: 2, flags: SYN }),
    );
    assert.equal(dataplane.process("core0", ethernet(astray)).verdict, "drop-not-capability");
  });

  it("tunnels a packet a second time where nobody is, and never a third time", () => {
    const dataplane = remote();
    dataplane.apply([{ type: "set-node", locator: OTHER_LOCATOR }], 2);
    const from = (source: Uint8Array) =>
      dataplane.process("core0", ethernet(ipv6({ source, destination: OWN_LOCATOR }, Protocol.Ipv6, syn())));
    const again = from(OTHER_LOCATOR);
    assert.deepEqual([again.verdict, again.action], ["hair-pinned", "forward"]);
    assert.ok(octetsEqual(inside(again.frame).source, lastLegAddress(OWN_LOCATOR)));
    const last = from(lastLegAddress(OTHER_LOCATOR));
    assert.deepEqual([last.verdict, last.action], ["reject-empty-group", "reply"]);
  });

  it("answers an empty group with RST, and a datagram with ICMPv6 type 1 code 3", () => {
    const dataplane = started([capability({})]);
    const reset = dataplane.process("client0", ethernet(syn()));
    assert.deepEqual([reset.verdict, reset.action], ["reject-empty-group", "reply"]);
    const segment = inside(reset.frame);
    assert.ok(octetsEqual(segment.source, CAPABILITY) && octetsEqual(segment.destination, CLIENT));
    assert.deepEqual([segment.payload[13], u16(segment.payload, 10)], [RST | ACK, 1001]);
    assertChecksum(segment);
    assert.deepEqual([...reset.frame.subarray(0, 6)], [2, 0, 0, 0, 0, 2], "MACs are swapped");

    const error = dataplane.process("client0", ethernet(udp(toCapability, { sourcePort: 1, destinationPort: 53 })));
    const message = inside(error.frame);
    assert.deepEqual([error.verdict, ...message.payload.subarray(0, 2)], ["reject-empty-group", 1, 3]);
    assert.ok(octetsEqual(message.source, OWN_LOCATOR));
    assertChecksum(message);
  });

  it("tells no difference between another tenant's capability and none", () => {
    const other = CAPABILITY.slice();
    other[7] = 2;
    const packet = ethernet(udp({ source: CLIENT, destination: other }, { sourcePort: 1, destinationPort: 53 }));
    const tenant = started([{ type: "set-capability", entry: { address: other, group: 0, localGroup: 0 } }]);
    const denied = tenant.process("client0", packet);
    const ports = [{ interface: "client0", role: "client", tenantIndex: 2, hook: "auto" }] as const;
    const absent = started([], { ports }).process("client0", packet);
    assert.deepEqual([denied.verdict, absent.verdict], ["reject-tenant", "reject-no-route"]);
    assert.deepEqual(denied.frame, absent.frame);
  });

  it("resets a segment of a flow that it does not know, and nothing answers a reset", () => {
    const lost = here().process("client0", ethernet(ack()));
    assert.deepEqual([lost.verdict, lost.action], ["reject-lost-state", "reply"]);
    assert.equal(inside(lost.frame).payload[13], RST);
    const rst = tcp(toCapability, { sourcePort: 4000, destinationPort: 80, flags: RST });
    assert.deepEqual(here().process("client0", ethernet(rst)).verdict, "drop-unanswerable");
  });

  it("gives a flow whose instance died to nobody: RST, then the next SYN to another", () => {
    const dataplane = here();
    dataplane.process("client0", ethernet(syn()));
    dataplane.setHealth(3, "draining");
    assert.equal(dataplane.process("client0", ethernet(ack())).verdict, "delivered", "draining keeps its flows");
    assert.equal(
      dataplane.process("client0", ethernet(syn(4001))).verdict,
      "reject-empty-group",
      "and gets no new ones",
    );
    dataplane.setHealth(3, "down");
    assert.equal(dataplane.process("client0", ethernet(ack())).verdict, "reject-lost-state");
  });

  it("does not follow a flow to an index that means another instance now", () => {
    const dataplane = here();
    dataplane.process("client0", ethernet(syn()));
    assert.ok(INSTANCE.type === "set-next-hop" && INSTANCE.nextHop.kind === "instance");
    const another = { ...INSTANCE, nextHop: { ...INSTANCE.nextHop, instance: "another" } };
    dataplane.apply(
      [
        { type: "set-slots", group: 3, slots: allSlots(0), backup: 0 },
        { type: "remove-next-hop", index: 3 },
        another,
        { type: "set-slots", group: 3, slots: allSlots(3), backup: 0 },
      ],
      2,
    );
    assert.equal(dataplane.process("client0", ethernet(ack())).verdict, "reject-lost-state");
  });

  it("keeps old flows with the previous owner of a slot and gives new ones to the current", () => {
    const dataplane = remote();
    dataplane.apply([{ type: "set-slots", group: 2, slots: allSlots(2, 1), backup: 0 }, capability({ group: 2 })], 2);
    assert.equal(dataplane.process("client0", ethernet(ack())).verdict, "encapsulated");
    assert.equal(dataplane.process("client0", ethernet(syn(4001))).verdict, "reject-empty-group");
    dataplane.apply([{ type: "set-next-hop-state", index: 1, state: "down" }], 3);
    assert.notEqual(dataplane.process("client0", ethernet(ack())).verdict, "encapsulated");
  });

  it("says how large a packet may be", () => {
    const large = udp(toCapability, { sourcePort: 1, destinationPort: 2, data: new Uint8Array(1440) });
    const { verdict, frame } = remote().process("client0", ethernet(large));
    assert.equal(verdict, "reject-too-big");
    const { payload } = inside(frame);
    assert.deepEqual([payload[0], payload[1], u16(payload, 6), frame.length], [2, 0, 1460, 14 + 1280]);
  });

  it("answers an echo request while somebody serves the capability", () => {
    const echo = icmpv6(toCapability, { type: 128, body: Uint8Array.of(1, 2, 0, 1, 9, 9) });
    const answered = here().process("client0", ethernet(echo));
    assert.equal(answered.verdict, "answered-echo");
    assert.equal(inside(answered.frame).payload[0], 129);
    assertChecksum(inside(answered.frame));
    const dead = here();
    dead.setHealth(3, "down");
    assert.equal(dead.process("client0", ethernet(echo)).verdict, "reject-empty-group");
  });

  it("refuses a second flow that would use the same way back", () => {
    const dataplane = here();
    dataplane.apply([{ type: "set-capability", entry: { address: SECOND_CAPABILITY, group: 2, localGroup: 3 } }], 2);
    assert.equal(dataplane.process("client0", ethernet(syn())).verdict, "delivered");
    const second = tcp(
      { source: CLIENT, destination: SECOND_CAPABILITY },
      { sourcePort: 4000, destinationPort: 80, flags: SYN },
    );
    assert.equal(dataplane.process("client0", ethernet(second)).verdict, "reject-collision");
    dataplane.process("client0", ethernet(tcp(toCapability, { sourcePort: 4000, destinationPort: 80, flags: RST })));
    assert.equal(dataplane.process("client0", ethernet(second)).verdict, "delivered", "a closed flow holds nothing");
  });

  const MALFORMED = [
    { name: "a version other than 6", verdict: "drop-truncated", frame: () => ethernet(syn().fill(0x45, 0, 1)) },
    { name: "a header cut off", verdict: "drop-truncated", frame: () => ethernet(syn().subarray(0, 39)) },
    { name: "a payload cut off", verdict: "drop-truncated", frame: () => ethernet(syn().subarray(0, 59)) },
    { name: "a fragment", verdict: "drop-fragment", frame: () => ethernet(ipv6(toCapability, 44, new Uint8Array(16))) },
    {
      name: "the last hop",
      verdict: "reject-hop-limit",
      frame: () => ethernet(ipv6({ ...toCapability, hopLimit: 1 }, 17, new Uint8Array(8))),
    },
    {
      name: "a multicast source",
      verdict: "drop-source",
      frame: () =>
        ethernet(ipv6({ source: new Uint8Array(16).fill(0xff), destination: CAPABILITY }, 17, new Uint8Array(8))),
    },
    { name: "another EtherType", verdict: "passed", frame: () => ethernet(syn(), 0x0800) },
    {
      name: "another protocol",
      verdict: "reject-protocol",
      frame: () => ethernet(ipv6(toCapability, 132, new Uint8Array(12))),
    },
    {
      name: "another port",
      verdict: "reject-port",
      frame: () => ethernet(tcp(toCapability, { sourcePort: 1, destinationPort: 81, flags: SYN })),
    },
  ];
  for (const { name, verdict, frame } of MALFORMED)
    it(`${name}: ${verdict}`, () => assert.equal(here().process("client0", frame()).verdict, verdict));
});
