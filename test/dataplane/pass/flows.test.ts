import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BEGINNINGS, CLOSED, FLOW_KEY, IDLE, RETURN, RETURN_KEY } from "../../../src/dataplane/abi.ts";
import { type Bench, HOOKS, type Hook } from "./bench.ts";
import { ethernet, FRAGMENT, icmp, ipv6, readIpv6 } from "./frames.ts";
import { insideNamespace } from "./inside.ts";
import {
  AGENT,
  AGENT_TWO,
  address,
  CAP,
  CLIENT,
  datagram,
  HOP,
  makeWorld,
  OTHER,
  readdressed,
  segment,
  TENANT,
  THIRD,
  UNROUTED,
} from "./world.ts";

/** Octets of an instance's packet to the client, as an agent sends it. */
const fromAgent = (agent: Uint8Array, port: number, clientPort: number, flags: string, hopLimit = 64) =>
  segment(CLIENT, { source: agent, sourcePort: port, destinationPort: clientPort, flags, hopLimit });

function returnKey(agent: Uint8Array, agentPort: number, clientPort: number, protocol: number): Uint8Array {
  const key = new Uint8Array(RETURN_KEY.size);
  key.set(agent);
  key.set(CLIENT, RETURN_KEY.offsets.client);
  const view = new DataView(key.buffer);
  view.setUint16(RETURN_KEY.offsets.agent_port, agentPort);
  view.setUint16(RETURN_KEY.offsets.client_port, clientPort);
  view.setUint8(RETURN_KEY.offsets.protocol, protocol);
  return key;
}

/** A client port for which a flow to `destination` has the wanted slot. */
function portFor(
  bench: Bench,
  destination: Uint8Array,
  wanted: (slots: { site: number; local: number }) => boolean,
): number {
  for (let port = 20000; port < 60000; port++)
    if (wanted(bench.slots(segment(destination, { sourcePort: port })))) return port;
  throw new Error("no port falls there");
}

const where = (packet: Uint8Array) => readIpv6(packet).destination;

function defineTests(hook: Hook): void {
  const send = (bench: Bench, packet: Uint8Array, role: "client" | "agent" | "core" = "client") => {
    bench.port(1, role, TENANT);
    return bench.run(hook, ethernet(packet));
  };
  const verdict = (bench: Bench, packet: Uint8Array) => send(bench, packet).verdict;

  it("a connection from SYN to FIN, both ways", async () => {
    using bench = await makeWorld();
    const ends = { sourcePort: 1234 };
    assert.equal(verdict(bench, segment(CAP.local, ends)), "delivered");
    const back = fromAgent(AGENT, 8080, 1234, "SA", 60);
    const returned = send(bench, back, "agent");
    assert.equal(returned.verdict, "returned");
    assert.deepEqual(returned.packet.slice(), readdressed(back, { source: [CAP.local, 80] }, hook === "tc" ? 59 : 60));
    const data = segment(CAP.local, { ...ends, flags: "AP", payload: new Uint8Array(777).fill(9) });
    const delivered = send(bench, data);
    assert.equal(delivered.verdict, "delivered");
    assert.deepEqual(
      delivered.packet.slice(),
      readdressed(data, { destination: [AGENT, 8080] }, hook === "tc" ? 63 : 64),
    );
    assert.equal(send(bench, fromAgent(AGENT, 8080, 1234, "A", 1), "agent").verdict, "reject-hop-limit");
    assert.equal(send(bench, fromAgent(AGENT, 8080, 1235, "A"), "agent").verdict, "passed");
    const closed = () => bench.map("returns").lookup(returnKey(AGENT, 8080, 1234, 6))![RETURN.offsets.closed];
    assert.equal(closed(), 0);
    verdict(bench, segment(CAP.local, { ...ends, flags: "AF" }));
    assert.equal(closed(), CLOSED.byClient);
    send(bench, fromAgent(AGENT, 8080, 1234, "AF"), "agent");
    assert.equal(closed(), CLOSED.byClient | CLOSED.byAgent);
    assert.equal(verdict(bench, segment(CAP.local, ends)), "delivered");
    assert.equal(closed(), 0, "a new SYN opens it again");
    verdict(bench, segment(CAP.local, { ...ends, flags: "R" }));
    assert.equal(closed(), CLOSED.byClient | CLOSED.byAgent, "RST closes both");
    assert.equal(bench.counters(HOP.web).flows, 2n, "two connections");
  });

  it("a connection that ended does not bind the next one of the same ports: it goes where new ones go", async () => {
    using bench = await makeWorld();
    const sourcePort = portFor(bench, CAP.pair, ({ local }) => local % 2 === 0);
    const syn = segment(CAP.pair, { sourcePort });
    assert.deepEqual(where(send(bench, syn).packet), AGENT);
    assert.deepEqual(where(send(bench, syn).packet), AGENT, "sent again");
    assert.equal(bench.counters(HOP.web).flows, 1n, "one connection");
    bench.state(HOP.web, "draining");
    assert.deepEqual(where(send(bench, syn).packet), AGENT, "sent again: it may have been opened there");
    send(bench, segment(CAP.pair, { sourcePort, flags: "AF" }));
    send(bench, fromAgent(AGENT, 8080, sourcePort, "AF"), "agent");
    assert.deepEqual(where(send(bench, segment(CAP.pair, { sourcePort, flags: "A" })).packet), AGENT, "the last ACK");
    assert.deepEqual(where(send(bench, syn).packet), AGENT_TWO);
    assert.deepEqual([bench.counters(HOP.web).flows, bench.counters(HOP.webTwo).flows], [1n, 1n]);
  });

  it("a fragmented answer is refused, and its instance told", async () => {
    using bench = await makeWorld();
    verdict(bench, datagram(CAP.localUdp));
    const answer = (port: number, word: number) => {
      const whole = datagram(CLIENT, {
        source: AGENT,
        sourcePort: port,
        destinationPort: 40000,
        payload: new Uint8Array(40),
      });
      const header = Uint8Array.of(17, 0, word >> 8, word & 0xff, 1, 2, 3, 4);
      return ipv6({ source: AGENT, destination: CLIENT }, FRAGMENT, Uint8Array.of(...header, ...whole.subarray(40)));
    };
    const refused = send(bench, answer(5353, 1), "agent");
    assert.equal(refused.verdict, "drop-fragment");
    assert.deepEqual(where(refused.packet), AGENT);
    assert.deepEqual(refused.packet.slice(40, 42), Uint8Array.of(1, 1));
    assert.equal(send(bench, answer(9, 1), "agent").verdict, "passed", "the agent's own");
  });

  it("one endpoint that serves two capabilities is two instances with one way back", async () => {
    using bench = await makeWorld();
    const other = 9;
    bench.instance(other, { address: AGENT, port: 8080, servicePort: 80 });
    bench.group(20, [other]);
    bench.capability(address("2001:db8:cab:7:1:aaaa:20:0"), 2, 20);
    const second = segment(address("2001:db8:cab:7:1:aaaa:20:0"));
    assert.equal(verdict(bench, segment(CAP.local)), "delivered");
    assert.equal(verdict(bench, second), "reject-collision");
    const back = send(bench, fromAgent(AGENT, 8080, 40000, "SA"), "agent");
    assert.deepEqual(readIpv6(back.packet).source, CAP.local, "the first one goes on");
    verdict(bench, segment(CAP.local, { flags: "R" }));
    assert.equal(verdict(bench, second), "delivered");
  });

  it("a dead instance: TCP gets RST, SYN and datagrams another one; draining keeps its flows", async () => {
    using bench = await makeWorld();
    const sourcePort = portFor(bench, CAP.pair, ({ local }) => local % 2 === 0);
    const syn = segment(CAP.pair, { sourcePort });
    const ack = segment(CAP.pair, { sourcePort, flags: "A" });
    assert.deepEqual(where(send(bench, syn).packet), AGENT);
    bench.state(HOP.web, "draining");
    assert.deepEqual(where(send(bench, ack).packet), AGENT);
    const other = portFor(bench, CAP.pair, ({ local }) => local % 2 === 0 && local !== bench.slots(syn).local);
    assert.deepEqual(where(send(bench, segment(CAP.pair, { sourcePort: other })).packet), AGENT_TWO, "no new flows");
    bench.state(HOP.web, "down");
    assert.equal(verdict(bench, ack), "reject-lost-state");
    assert.deepEqual(where(send(bench, syn).packet), AGENT_TWO);
    assert.deepEqual(where(send(bench, ack).packet), AGENT_TWO);
    bench.state(HOP.webTwo, "down");
    assert.equal(verdict(bench, syn), "reject-empty-group");
    bench.state(HOP.dns, "down");
    assert.equal(verdict(bench, datagram(CAP.localUdp)), "reject-empty-group");
  });

  it("an index that came to mean another instance: remembered flows are not followed", async () => {
    using bench = await makeWorld();
    const ends = { sourcePort: 77 };
    verdict(bench, segment(CAP.local, ends));
    bench.instance(HOP.web, { address: AGENT_TWO, port: 9000, servicePort: 80 });
    assert.equal(verdict(bench, segment(CAP.local, { ...ends, flags: "A" })), "reject-lost-state");
    assert.deepEqual(where(send(bench, segment(CAP.local, ends)).packet), AGENT_TWO);
  });

  it("counts how an instance answers what begins", async () => {
    using bench = await makeWorld();
    const outcomes = (): bigint[] => {
      const { answered, refused } = bench.counters(HOP.web);
      return [answered, refused];
    };
    const begin = (sourcePort: number) => assert.equal(verdict(bench, segment(CAP.local, { sourcePort })), "delivered");
    const answer = (port: number, flags: string) => send(bench, fromAgent(AGENT, 8080, port, flags), "agent");
    begin(50_001);
    answer(50_001, "SA");
    answer(50_001, "A");
    answer(50_001, "R");
    assert.deepEqual(outcomes(), [1n, 0n], "a connection that was taken may be reset");
    begin(50_002);
    answer(50_002, "RA");
    assert.deepEqual(outcomes(), [1n, 1n], "RST to a SYN");
    begin(50_003);
    const sent = segment(AGENT, { sourcePort: 50_003, destinationPort: 8080 });
    for (const [type, refused] of [
      [1, 2n],
      [2, 2n],
    ] as const) {
      const error = icmp({ source: AGENT_TWO, destination: CLIENT }, type, 4, Uint8Array.of(0, 0, 0, 0, ...sent));
      assert.equal(send(bench, error, "agent").verdict, "returned");
      assert.deepEqual(outcomes(), [1n, refused], `ICMPv6 type ${type}`);
    }
    answer(50_004, "RA");
    assert.deepEqual(outcomes(), [1n, 2n], "of no flow");
  });

  it("four slots and the backup: nothing else is looked at", async () => {
    using bench = await makeWorld();
    const sourcePort = portFor(bench, CAP.sites, ({ site }) => site === 62);
    const syn = segment(CAP.sites, { sourcePort });
    const owners: number[] = new Array(64).fill(HOP.third);
    for (const slot of [62, 63, 0, 1]) owners[slot] = HOP.remote;
    bench.group(9, owners);
    assert.deepEqual(where(send(bench, syn).packet), OTHER);
    bench.state(HOP.remote, "down");
    assert.equal(verdict(bench, syn), "reject-empty-group");
    bench.group(9, owners, HOP.third);
    assert.deepEqual(where(send(bench, syn).packet), THIRD);
    owners[1] = HOP.local;
    bench.group(9, owners, HOP.third);
    assert.deepEqual(where(send(bench, syn).packet), THIRD, "the fourth slot says local, where nobody is");
    bench.state(HOP.local, "draining");
    assert.deepEqual(where(send(bench, syn).packet), THIRD, "draining takes no new flows");
    bench.state(HOP.third, "down");
    assert.equal(verdict(bench, syn), "reject-empty-group");
  });

  it("a slot in transition: SYN to the new owner, all else stays, and stays remembered", async () => {
    using bench = await makeWorld();
    bench.group(9, [[HOP.third, HOP.remote]]);
    const at = (sourcePort: number, flags: string) =>
      where(send(bench, segment(CAP.sites, { sourcePort, flags })).packet);
    assert.deepEqual(at(1, "S"), THIRD);
    assert.deepEqual(at(1, "A"), THIRD, "its later segments follow it");
    assert.deepEqual(at(2, "A"), OTHER);
    assert.deepEqual(at(2, "S"), OTHER, "an entry wins");
    bench.state(HOP.remote, "draining");
    assert.deepEqual(at(2, "A"), OTHER);
    assert.deepEqual(at(3, "A"), OTHER);
    bench.state(HOP.remote, "down");
    assert.deepEqual(at(2, "A"), THIRD);
    assert.deepEqual(at(4, "A"), THIRD);
    bench.state(HOP.remote, "up");
    assert.deepEqual(at(4, "A"), THIRD, "remembered");
    bench.tunnel(HOP.third, UNROUTED);
    assert.deepEqual(at(4, "A"), OTHER, "not the same router any more");
    bench.group(9, [[HOP.remote, 0]]);
    assert.deepEqual(at(5, "A"), OTHER, "nobody had the slot before");
    const key = new Uint8Array(FLOW_KEY.size);
    const packet = segment(CAP.sites, { sourcePort: 6 });
    bench.group(9, [HOP.remote]);
    send(bench, packet);
    key.set(packet.subarray(8, 44));
    key[FLOW_KEY.offsets.protocol] = 6;
    assert.equal(bench.map("transitions").lookup(key), undefined, "the steady state remembers nothing");
  });

  it("a slot in transition: over the rate connections begin with the former owner, and who is remembered stays", async () => {
    using bench = await makeWorld({ beginningsPerSecond: 4 });
    bench.group(9, [[HOP.third, HOP.remote]]);
    const at = (sourcePort: number, flags: string) =>
      where(send(bench, segment(CAP.sites, { sourcePort, flags })).packet);
    const ports = Array.from({ length: 200 }, (_, i) => 1000 + i);
    const begun = ports.map((port) => at(port, "S").join());
    // What is earned while this runs comes on top of the burst
    const withNew = begun.filter((site) => site === THIRD.join()).length;
    assert.ok(withNew >= 4 && withNew < 100, `${withNew} began with the new owner`);
    assert.ok(begun.every((site) => [THIRD.join(), OTHER.join()].includes(site)));
    assert.deepEqual(
      ports.map((port) => at(port, "A").join()),
      begun,
      "each stays where it began",
    );
    const room = bench.map("beginnings").lookup(new Uint8Array(4))!;
    const { deferred } = BEGINNINGS.offsets;
    const view = new DataView(room.buffer, room.byteOffset);
    const cpus = room.length / BEGINNINGS.size;
    const sum = Array.from({ length: cpus }, (_, cpu) => view.getBigUint64(cpu * BEGINNINGS.size + deferred, true));
    assert.equal(
      sum.reduce((a, b) => a + b),
      BigInt(ports.length - withNew),
    );
    bench.state(HOP.remote, "down");
    assert.deepEqual(at(5000, "S"), THIRD, "nobody else lives");
  });

  it("a slot whose transition fades: who is not remembered is the owner's and takes no place", async () => {
    using bench = await makeWorld();
    bench.group(9, [[HOP.third, HOP.remote]]);
    const at = (sourcePort: number, flags: string) =>
      where(send(bench, segment(CAP.sites, { sourcePort, flags })).packet);
    assert.deepEqual(at(1, "A"), OTHER);
    bench.group(9, [[HOP.third, 0]]);
    assert.deepEqual(at(1, "A"), OTHER, "seen before");
    assert.deepEqual(at(2, "A"), THIRD);
    assert.deepEqual(at(3, "S"), THIRD);
    const places = new Set<string>();
    const transitions = bench.map("transitions");
    for (let key = transitions.nextKey(); key !== undefined; key = transitions.nextKey(key)) places.add(key.join());
    assert.equal(places.size, 1, "of the one that was seen before");
  });

  it("two capabilities at one instance: the same client port is refused, then given when the first is over", async () => {
    using bench = await makeWorld();
    const ends = { sourcePort: 5000 };
    assert.equal(verdict(bench, segment(CAP.local, ends)), "delivered");
    assert.equal(verdict(bench, segment(CAP.twin, ends)), "reject-collision");
    verdict(bench, segment(CAP.local, { ...ends, flags: "AF" }));
    assert.equal(verdict(bench, segment(CAP.twin, ends)), "reject-collision", "half closed is not closed");
    send(bench, fromAgent(AGENT, 8080, 5000, "AF"), "agent");
    assert.equal(verdict(bench, segment(CAP.twin, ends)), "delivered");
    const back = send(bench, fromAgent(AGENT, 8080, 5000, "SA"), "agent");
    assert.deepEqual(readIpv6(back.packet).source, CAP.twin);
    assert.equal(verdict(bench, segment(CAP.local, ends)), "reject-collision");
  });

  it("a collision tries the next member; an idle or forgotten holder does not count", async () => {
    using bench = await makeWorld();
    bench.group(3, [HOP.web, HOP.webTwo]);
    let sourcePort = 20000;
    const even = (destination: Uint8Array) => bench.slots(segment(destination, { sourcePort })).local % 2 === 0;
    while (!even(CAP.local) || !even(CAP.twin)) sourcePort++;
    const first = where(send(bench, segment(CAP.local, { sourcePort })).packet);
    const second = where(send(bench, segment(CAP.twin, { sourcePort })).packet);
    assert.deepEqual(first, AGENT);
    assert.deepEqual(second, AGENT_TWO);
    bench.group(3, [HOP.web]);
    const ends = { sourcePort: 6000 };
    verdict(bench, segment(CAP.local, ends));
    const key = returnKey(AGENT, 8080, 6000, 6);
    const value = bench.map("returns").lookup(key)!;
    const view = new DataView(value.buffer, value.byteOffset);
    const seen = view.getUint32(RETURN.offsets.seen, true);
    view.setUint32(RETURN.offsets.seen, seen - IDLE.tcp + 2, true);
    bench.map("returns").update(key, value);
    assert.equal(verdict(bench, segment(CAP.twin, ends)), "reject-collision");
    view.setUint32(RETURN.offsets.seen, seen - IDLE.tcp - 1, true);
    bench.map("returns").update(key, value);
    assert.equal(verdict(bench, segment(CAP.twin, ends)), "delivered");
    const gone = { sourcePort: 6001 };
    verdict(bench, segment(CAP.local, gone));
    const flow = new Uint8Array(FLOW_KEY.size);
    flow.set(segment(CAP.local, gone).subarray(8, 44));
    flow[FLOW_KEY.offsets.protocol] = 6;
    assert.ok(bench.map("flows").delete(flow));
    assert.equal(verdict(bench, segment(CAP.twin, gone)), "delivered");
  });

  it("a datagram restores a way back that was forgotten", async () => {
    using bench = await makeWorld();
    verdict(bench, datagram(CAP.localUdp));
    const key = returnKey(AGENT, 5353, 40000, 17);
    assert.ok(bench.map("returns").delete(key));
    assert.equal(verdict(bench, datagram(CAP.localUdp)), "delivered");
    assert.ok(bench.map("returns").lookup(key) !== undefined);
    assert.equal(bench.counters(HOP.dns).flows, 1n);
  });

  it("tombstones and full lines: found behind them, not found when gone", async () => {
    using bench = await makeWorld({ lines: 16 });
    const many = Array.from({ length: 20 }, (_, i) => address(`2001:db8:cab:7:2:1:${(i + 1).toString(16)}:0`));
    for (const each of many) bench.capability(each, 1);
    for (const each of many) assert.equal(verdict(bench, datagram(each)), "encapsulated");
    const table = bench.entry("capabilities", 0, 16 * 64);
    const view = new Uint8Array(table.buffer, table.byteOffset, 16 * 64);
    for (let slot = 0; slot < 32; slot++)
      if (view[slot * 32 + 3] === 2 && view[slot * 32 + 7]! % 2 === 1) view.fill(0xff, slot * 32, slot * 32 + 8);
    for (const [i, each] of many.entries())
      assert.equal(verdict(bench, datagram(each)), i % 2 === 0 ? "reject-no-route" : "encapsulated");
    bench.capability(many[0]!, 1);
    assert.equal(verdict(bench, datagram(many[0]!)), "encapsulated");
    for (let i = 0; i < 16 * 2; i++) view.fill(0xff, i * 32, i * 32 + 8);
    assert.equal(verdict(bench, datagram(many[1]!)), "reject-no-route", "a table of tombstones ends, too");
  });

  it("local group choices do not depend on the site's: one site's flows reach both instances", async () => {
    using bench = await makeWorld();
    const seen = new Set<string>();
    for (let sourcePort = 1; sourcePort < 4000; sourcePort++) {
      const syn = segment(CAP.pair, { sourcePort });
      if (bench.slots(syn).site === 5) seen.add(where(send(bench, syn).packet).join());
    }
    assert.equal(seen.size, 2);
  });

  it("no route to the instance: translated all the same, the stack decides", async () => {
    using bench = await makeWorld();
    const done = send(bench, segment(CAP.unrouted));
    assert.deepEqual([done.verdict, done.action], ["delivered", hook === "tc" ? 0 : 2]);
    assert.equal(readIpv6(done.packet).hopLimit, 64, "the stack will decrement");
  });

  it("a RST from a flow with state goes through; errors about state do not answer errors", async () => {
    using bench = await makeWorld();
    verdict(bench, segment(CAP.local, { sourcePort: 3 }));
    assert.equal(verdict(bench, segment(CAP.local, { sourcePort: 3, flags: "R" })), "delivered");
    assert.equal(
      verdict(bench, icmp({ source: CLIENT, destination: CAP.empty }, 2, 0, new Uint8Array(52))),
      "drop-unanswerable",
    );
  });
}

insideNamespace(import.meta.filename, () => {
  for (const hook of HOOKS) describe(`flows in ${hook}`, () => defineTests(hook));
});
