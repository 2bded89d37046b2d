import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PORT_FLAG, RETURN } from "../../../src/dataplane/abi.ts";
import { type Bench, HOOKS, type Hook } from "./bench.ts";
import {
  checksumIsRight,
  ethernet,
  ICMP,
  IPV6_IN_IPV6,
  icmp,
  ipv6,
  readIpv6,
  TCP,
  tcp,
  udp,
  unfinished,
} from "./frames.ts";
import { insideNamespace } from "./inside.ts";
import {
  ACTION,
  AGENT,
  CAP,
  CLIENT,
  datagram,
  HOP,
  LOCATOR,
  makeWorld,
  NARROW,
  OTHER,
  readdressed,
  segment,
  TENANT,
  THIRD,
} from "./world.ts";

const MTU = Uint8Array.of(0, 0, 5, 0);
const PACKET_TOO_BIG = 2;
const UNREACHABLE = 1;

/** An ICMPv6 error about `packet` for whom sent it. */
function errorAbout(packet: Uint8Array, from: Uint8Array, type = PACKET_TOO_BIG, quoted = 1232): Uint8Array {
  const body = Uint8Array.of(...MTU, ...packet.subarray(0, quoted));
  return icmp({ source: from, destination: packet.slice(8, 24) }, type, type === UNREACHABLE ? 4 : 0, body);
}

const quoteOf = (error: Uint8Array) => error.slice(48);

/** From `source` to the client, as an agent or, once translated, a capability sends it. */
const toClient = (source: Uint8Array, sourcePort: number, text: { flags?: string; payload?: Uint8Array } = {}) =>
  tcp({ source, destination: CLIENT, sourcePort, destinationPort: 40000, flags: "A", ...text });

const datagramToClient = (source: Uint8Array, sourcePort: number, payload = new Uint8Array(5)) =>
  udp({ source, destination: CLIENT, sourcePort, destinationPort: 40000, payload });

function defineTests(hook: Hook): void {
  const send = (bench: Bench, packet: Uint8Array, role: "client" | "agent" | "core" = "client", flags = 0) => {
    bench.port(1, role, role === "core" ? 0 : TENANT, flags);
    return bench.run(hook, ethernet(packet));
  };
  const hopLimit = hook === "tc" ? 63 : 64;

  for (const [name, opening, back, translated] of [
    [
      "TCP",
      segment(CAP.local),
      toClient(CAP.local, 80, { payload: new Uint8Array(1300).fill(3) }),
      toClient(AGENT, 8080, { payload: new Uint8Array(1300).fill(3) }),
    ],
    [
      "UDP",
      datagram(CAP.localUdp),
      datagramToClient(CAP.localUdp, 53, new Uint8Array(1400).fill(4)),
      datagramToClient(AGENT, 5353, new Uint8Array(1400).fill(4)),
    ],
  ] as const) {
    it(`${name}: an error about what came back goes to the instance, which knows what it sent`, async () => {
      using bench = await makeWorld();
      assert.equal(send(bench, opening).verdict, "delivered");
      const before = bench.counters(name === "TCP" ? HOP.web : HOP.dns).flows;
      const done = send(bench, errorAbout(back, CLIENT));
      assert.deepEqual([done.verdict, done.action], ["delivered", ACTION.sent[hook]]);
      const { source, destination, protocol, hopLimit: left } = readIpv6(done.packet);
      assert.deepEqual([source, destination, protocol, left], [CLIENT, AGENT, ICMP, hopLimit]);
      assert.deepEqual(done.packet.slice(40, 42), Uint8Array.of(PACKET_TOO_BIG, 0));
      assert.deepEqual(done.packet.slice(44, 48), MTU);
      assert.ok(checksumIsRight(done.packet));
      assert.deepEqual(quoteOf(done.packet), translated.slice(0, 1232));
      assert.equal(bench.counters(name === "TCP" ? HOP.web : HOP.dns).flows, before, "no flow of its own");
    });

    it(`${name}: an error of the agent's side looks as if the capability had sent it`, async () => {
      using bench = await makeWorld();
      const delivered = send(bench, opening).packet.slice();
      for (const from of [AGENT, THIRD]) {
        const done = send(bench, errorAbout(delivered, from, UNREACHABLE), "agent");
        assert.deepEqual([done.verdict, done.action], ["returned", ACTION.sent[hook]]);
        const { source, destination, hopLimit: left } = readIpv6(done.packet);
        assert.deepEqual([source, destination, left], [opening.slice(24, 40), CLIENT, hopLimit]);
        assert.ok(checksumIsRight(done.packet));
        const sent = opening.slice();
        sent[7] = hopLimit;
        assert.deepEqual(quoteOf(done.packet), sent);
        assert.equal(Buffer.from(done.packet).indexOf(Buffer.from(AGENT)), -1, "the agent's address is nowhere");
      }
    });
  }

  it("UDP without a checksum in the quote: it stays without", async () => {
    using bench = await makeWorld();
    send(bench, datagram(CAP.localUdp));
    const back = datagramToClient(CAP.localUdp, 53);
    const translated = datagramToClient(AGENT, 5353);
    for (const packet of [back, translated]) packet.fill(0, 46, 48);
    const done = send(bench, errorAbout(back, CLIENT));
    assert.deepEqual(quoteOf(done.packet), translated);
    assert.ok(checksumIsRight(done.packet));
  });

  it("a quote whose checksum nobody had finished: the error stays right", async () => {
    using bench = await makeWorld();
    send(bench, segment(CAP.local));
    const done = send(bench, errorAbout(unfinished(toClient(CAP.local, 80)), CLIENT), "client", PORT_FLAG.partial);
    assert.deepEqual(quoteOf(done.packet).slice(0, 56), toClient(AGENT, 8080).slice(0, 56));
    assert.ok(checksumIsRight(done.packet));
  });

  it("an error does not keep a flow alive", async () => {
    using bench = await makeWorld();
    const delivered = send(bench, datagram(CAP.localUdp)).packet.slice();
    const [key] = [bench.map("returns").nextKey()!];
    const seen = () => {
      const value = bench.map("returns").lookup(key)!;
      return new DataView(value.buffer, value.byteOffset).getUint32(RETURN.offsets.seen, true);
    };
    const aged = bench.map("returns").lookup(key)!.slice();
    new DataView(aged.buffer).setUint32(RETURN.offsets.seen, 1, true);
    bench.map("returns").update(key, aged);
    assert.equal(send(bench, errorAbout(delivered, AGENT, UNREACHABLE), "agent").verdict, "returned");
    assert.equal(seen(), 1);
  });

  it("is steered like the flow it is about (RFC 7690), and delivered behind the tunnel", async () => {
    using bench = await makeWorld();
    const ends = { sourcePort: 4711 };
    const syn = send(bench, segment(CAP.sites, ends));
    const back = tcp({ source: CAP.sites, destination: CLIENT, sourcePort: 80, destinationPort: 4711 });
    const done = send(bench, errorAbout(back, THIRD));
    assert.equal(done.verdict, "encapsulated");
    assert.deepEqual(readIpv6(done.packet).destination, readIpv6(syn.packet).destination);
    assert.equal(readIpv6(done.packet).flowLabel, readIpv6(syn.packet).flowLabel);

    const wrap = (packet: Uint8Array) => ipv6({ source: OTHER, destination: LOCATOR }, IPV6_IN_IPV6, packet);
    assert.equal(send(bench, wrap(segment(CAP.remote)), "core").verdict, "delivered");
    const inside = send(bench, wrap(errorAbout(toClient(CAP.remote, 80), THIRD)), "core");
    assert.equal(inside.verdict, "delivered");
    assert.deepEqual(quoteOf(inside.packet), toClient(AGENT, 8080));
  });

  it("routers in the core may speak to a capability, with errors only", async () => {
    using bench = await makeWorld();
    send(bench, segment(CAP.local));
    assert.equal(send(bench, errorAbout(toClient(CAP.local, 80), THIRD), "core").verdict, "delivered");
    assert.equal(send(bench, errorAbout(toClient(CAP.sites, 80), THIRD), "core").verdict, "encapsulated");
    const echo = icmp({ source: THIRD, destination: CAP.local }, 128, 0, new Uint8Array(4));
    assert.equal(send(bench, echo, "core").verdict, "passed");
  });

  it("drops an error that has no flow: unknown, another tenant's, about nothing of ours, cut off", async () => {
    using bench = await makeWorld();
    send(bench, segment(CAP.local));
    const known = toClient(CAP.local, 80);
    const moved = errorAbout(known, CLIENT);
    moved.set(CAP.twin, 24);
    for (const [what, error] of Object.entries({
      "no such connection": errorAbout(tcp({ ...known_(), destinationPort: 40001 }), CLIENT),
      "no such datagram flow": errorAbout(datagramToClient(CAP.localUdp, 53), CLIENT),
      "another tenant": errorAbout(toClient(CAP.foreign, 80), CLIENT),
      "not from its destination": readdressed(moved, {}, 64),
      "about an echo reply": errorAbout(
        icmp({ source: CAP.local, destination: CLIENT }, 129, 0, new Uint8Array(4)),
        CLIENT,
      ),
      "half a TCP header": errorAbout(known, CLIENT, PACKET_TOO_BIG, 59),
      "no ports": errorAbout(known, CLIENT, PACKET_TOO_BIG, 40),
      "hop limit 1": (() => {
        const last = errorAbout(known, CLIENT);
        last[7] = 1;
        return last;
      })(),
    })) {
      const done = send(bench, error);
      assert.deepEqual([what, done.verdict, done.action], [what, "drop-unanswerable", ACTION.dropped[hook]]);
    }
    const own = tcp({ source: AGENT, destination: CLIENT, sourcePort: 9, destinationPort: 9 });
    const toOther = send(bench, errorAbout(segment(AGENT, { destinationPort: 9 }), AGENT, UNREACHABLE), "agent");
    assert.equal(toOther.verdict, "passed", "the agent's own traffic");
    assert.equal(send(bench, own, "agent").verdict, "passed");
  });

  it("what comes back too big for the client's link: the site is told, through the tunnel", async () => {
    using bench = await makeWorld();
    for (const [protocol, packet] of [
      [
        TCP,
        tcp({
          source: CAP.remote,
          destination: NARROW,
          sourcePort: 80,
          destinationPort: 7,
          payload: new Uint8Array(1400),
        }),
      ],
      [
        17,
        udp({
          source: CAP.remote,
          destination: NARROW,
          sourcePort: 80,
          destinationPort: 7,
          payload: new Uint8Array(1400),
        }),
      ],
    ] as const) {
      const done = send(bench, packet, "core");
      assert.equal(done.verdict, "reject-too-big");
      assert.equal(done.action, ACTION.sent[hook]);
      const outer = readIpv6(done.packet);
      assert.deepEqual([outer.source, outer.destination, outer.protocol], [LOCATOR, OTHER, IPV6_IN_IPV6]);
      assert.equal(outer.payloadLength, outer.payload.length);
      const forward = bench.slots(
        protocol === TCP
          ? tcp({ source: NARROW, destination: CAP.remote, sourcePort: 7, destinationPort: 80 })
          : udp({ source: NARROW, destination: CAP.remote, sourcePort: 7, destinationPort: 80 }),
      );
      assert.equal(outer.flowLabel, forward.hash >>> 20, "as the client's own packets");
      const error = readIpv6(outer.payload);
      assert.deepEqual([error.source, error.destination, error.hopLimit], [LOCATOR, CAP.remote, 63]);
      assert.deepEqual(error.payload.slice(0, 2), Uint8Array.of(PACKET_TOO_BIG, 0));
      assert.equal(new DataView(error.payload.buffer, error.payload.byteOffset).getUint32(4), 1400);
      assert.deepEqual(error.payload.slice(8), packet.slice(0, 1232));
      assert.ok(checksumIsRight(outer.payload.slice()));
    }
    const fits = tcp({
      source: CAP.remote,
      destination: NARROW,
      sourcePort: 80,
      destinationPort: 7,
      payload: new Uint8Array(1340),
    });
    assert.equal(send(bench, fits, "core").verdict, "passed");
  });

  function known_() {
    return { source: CAP.local, destination: CLIENT, sourcePort: 80 };
  }
}

insideNamespace(import.meta.filename, () => {
  for (const hook of HOOKS) describe(`ICMPv6 errors in ${hook}`, () => defineTests(hook));
});
