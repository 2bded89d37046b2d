import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromHex, seconds } from "../../../src/base/index.ts";
import {
  encodeKeepalive,
  encodeMessage,
  encodeNotification,
  encodeOpen,
  encodeRouteRefresh,
  IPV6_UNICAST,
  MessageType,
  notification,
  RefreshSubtype,
} from "../../../src/bgp/wire/index.ts";
import { before, HOSTILE_ID, NEW_HOP, reach, update } from "./case.ts";
import { type HostilePeer, offerOf } from "./hostile-peer.ts";
import { onLoopback, type Stage, simulated } from "./stage.ts";

const REFUSED = "semrd_bgp_peer_connections_refused_total";
const status = (stage: Stage, index = 0) => stage.router.peer(stage.addressOf(index));
const sum = (stage: Stage, name: string, labels = {}) => stage.router.metrics.sum(name, labels);

async function up(stage: Stage, kind: Parameters<HostilePeer["open"]>[0] = "internal"): Promise<HostilePeer> {
  const peer = await stage.connect(0);
  peer.open(kind);
  await stage.settle("a session", () => status(stage).state === "Established");
  return peer;
}

describe("neighbours that try the patience, while another session stands", () => {
  it("one that asks for everything ten thousand times and reads nothing: one answer waits, and the send hold timer ends it (RFC 9687)", async (t) => {
    const stage = await simulated(t, { kinds: ["internal"], peer: { sendHoldTime: seconds(5) } });
    for (let n = 1; n <= 20_000; n++) stage.router.originate(n, { communities: [n] });
    const peer = await up(stage);
    await stage.settle("End-of-RIB", () => status(stage).perFamily.every(({ endOfRibSent }) => endOfRibSent));
    peer.deafen();
    const marks = () => sum(stage, "semrd_bgp_refresh_marks_total", { peer: stage.addressOf(0), mark: "begin-sent" });
    for (let turn = 0; turn < 200; turn++) {
      const told = status(stage).messagesReceived;
      for (let i = 0; i < 50; i++) peer.say(encodeRouteRefresh({ afi: 2, safi: 251 }));
      await stage.settle("the requests", () => status(stage).messagesReceived >= told + 50);
    }
    assert.ok(status(stage).routesPending > 0, "the answer waits for the reader");
    assert.equal(marks(), 1);
    await stage.settle("the end", () => status(stage).state !== "Established");
    assert.deepEqual([status(stage).lastError?.code, status(stage).flaps], [8, 1]);
    stage.assertInnocent();
  });

  it("one that asks for everything and reads: each answer is whole, begun and ended (RFC 7313 §4)", async (t) => {
    const stage = await simulated(t, { kinds: ["internal"] });
    for (let n = 1; n <= 500; n++) stage.router.originate(n);
    const peer = await up(stage);
    await stage.settle("End-of-RIB", () => status(stage).gracefulRestart.endOfRibSent);
    for (let i = 0; i < 300; i++) peer.say(encodeRouteRefresh({ afi: 2, safi: 251 }));
    const mark = (what: string) =>
      sum(stage, "semrd_bgp_refresh_marks_total", { peer: stage.addressOf(0), mark: what });
    await stage.settle("the last answer", () => mark("begin-sent") >= 1 && mark("end-sent") === mark("begin-sent"));
    assert.equal(status(stage).state, "Established");
    stage.assertInnocent();
  });

  it("marks of a refresh that never began, and beginnings without an end: no route is lost (RFC 7313 §4.2)", async (t) => {
    const stage = await simulated(t, { kinds: ["internal"] });
    const peer = await up(stage);
    for (const body of before("internal")) peer.update(body);
    const mark = (subtype: number) => encodeRouteRefresh(IPV6_UNICAST, subtype);
    for (let i = 0; i < 500; i++) peer.say(mark(RefreshSubtype.End));
    const received = (what: string) =>
      sum(stage, "semrd_bgp_refresh_marks_total", { peer: stage.addressOf(0), mark: what });
    await stage.settle("the marks", () => received("end-received") === 500);
    assert.equal(status(stage).routesReceived, 6);
    for (let i = 0; i < 500; i++) peer.say(mark(RefreshSubtype.Begin));
    await stage.settle("the beginnings", () => received("begin-received") === 500);
    assert.deepEqual([status(stage).routesReceived, status(stage).state], [6, "Established"]);
    // Marks of subtypes and families that nobody knows are nothing (RFC 7313 §5).
    for (let subtype = 3; subtype < 256; subtype++) peer.say(encodeRouteRefresh(IPV6_UNICAST, subtype));
    peer.say(encodeRouteRefresh({ afi: 99, safi: 99 }, RefreshSubtype.Begin), encodeKeepalive());
    const told = status(stage).messagesReceived;
    await stage.settle("all of them", () => status(stage).messagesReceived >= told + 255);
    assert.equal(status(stage).state, "Established");
    stage.assertInnocent();
  });

  it("one that flaps every 100 ms for ten seconds: what comes too early is refused and counted", async (t) => {
    const stage = await simulated(t, { kinds: ["internal"] });
    const flaps = 100;
    for (let i = 0; i < flaps; i++) {
      const peer = await stage.connect(0);
      peer.open("internal");
      for (const body of before("internal")) peer.update(body);
      let waited = 0;
      await stage.settle("100 ms", () => ++waited > 16);
      await peer.close();
    }
    await stage.settle("no routes", () => status(stage).routesReceived === 0);
    assert.ok(status(stage).flaps <= 11, `${status(stage).flaps} sessions in ten seconds`);
    assert.ok(sum(stage, REFUSED, { peer: stage.addressOf(0) }) >= flaps - 11);
    stage.assertInnocent();
  });

  it("one that flaps every second for a minute: each time its routes go, nothing is left of it, and the waits grow", async (t) => {
    const stage = await simulated(t, { kinds: ["internal"] });
    const sets = stage.router.rib.attributes.size;
    let sessions = 0;
    for (let second = 0; second < 60; second++) {
      const peer = await stage.connect(0);
      peer.open("internal");
      for (const body of before("internal")) peer.update(body);
      let waited = 0;
      await stage.settle("a second", () => ++waited > 166);
      if (status(stage).state === "Established") {
        sessions++;
        assert.ok(status(stage).routesReceived > 0);
      }
      // It says that it has had enough: that counts as a failure, a lost connection does not.
      peer.say(encodeNotification(notification(6, 4)));
      await stage.settle("its end", () => status(stage).state !== "Established");
      await peer.close();
      await stage.settle("no routes", () => status(stage).routesReceived === 0);
      stage.assertInnocent();
    }
    const refused = sum(stage, REFUSED, { peer: stage.addressOf(0) });
    assert.ok(sessions >= 3 && sessions <= 30, `${sessions} sessions in a minute`);
    assert.equal(status(stage).flaps, sessions);
    assert.ok(sessions + refused >= 60, `${refused} refused`);
    assert.equal(stage.router.rib.attributes.size, sets, "no attribute set is left");
  });

  it("UPDATEs one octet at a time, over TCP: every route arrives", async (t) => {
    const stage = await onLoopback(t, { kinds: ["internal"] });
    const peer = await up(stage);
    for (const body of before("internal")) {
      for (const octet of encodeMessage(MessageType.Update, body)) peer.say(Uint8Array.of(octet));
    }
    await stage.settle("the routes", () => status(stage).routesReceived === 6);
    assert.deepEqual([status(stage).state, status(stage).flaps], ["Established", 0]);
    stage.assertInnocent();
    await peer.close();
  });

  it("NOTIFICATIONs by the hundred, in every state: each connection ends with the first one", async (t) => {
    const kinds = Array.from({ length: 4 }, () => "internal" as const);
    const stage = await simulated(t, { kinds });
    const storm = Array.from({ length: 300 }, (_, i) => encodeNotification(notification(1 + (i % 8), i & 0xff)));
    const peers = await Promise.all(kinds.map((_, i) => stage.connect(i)));
    peers[1]!.say(
      encodeOpen({
        autonomousSystem: 65000,
        holdTime: seconds(90),
        bgpIdentifier: HOSTILE_ID,
        capabilities: offerOf("internal"),
      }),
    );
    peers[2]!.open("internal");
    peers[3]!.open("internal");
    for (const body of before("internal")) peers[3]!.update(body);
    await stage.settle("routes of one", () => status(stage, 3).routesReceived === 6);
    for (const peer of peers) peer.say(...storm);
    await stage.settle("the end of all", () => peers.every(({ closed }) => closed !== undefined));
    await stage.settle("no routes", () => status(stage, 3).routesReceived === 0);
    for (const [i, peer] of peers.entries()) {
      assert.equal(sum(stage, "semrd_bgp_notifications_received_total", { peer: stage.addressOf(i) }), 1);
      assert.deepEqual(peer.notifications, [], "a NOTIFICATION is never answered with one");
    }
    stage.assertInnocent();
  });

  const OPEN = "04fde8005a0a000102";
  const LYING_OPENS: readonly (readonly [name: string, rest: string, want: string])[] = [
    ["parameters longer than the message", "ff", "0200"],
    ["one octet more than there is", "04020206", "0200"],
    ["octets behind the parameters", "0202000000", "0200"],
    ["a parameter longer than all", "0402ff0100", "0200"],
    ["a capability longer than its parameter", "06020401ff0001", "0200"],
    ["a multiprotocol capability of 3 octets", "0702050103000100", "0200"],
    ["AS numbers of 3 octets", "07020541030000fd", "0200"],
    ["half a parameter header", "0102", "0200"],
    ["an unknown parameter", "03070100", "0204"],
    ["extended lengths, longer than the message", "ffffffff", "0200"],
    ["extended lengths, cut short", "ffff00", "0200"],
    ["extended lengths, a parameter that lies", "ffff00040200ff41", "0200"],
  ];
  it("OPENs whose lengths lie: refused with what is wrong, and counted (RFC 4271 §6.2, RFC 9072)", async (t) => {
    const stage = await simulated(t, { kinds: LYING_OPENS.map(() => "internal" as const) });
    for (const [i, [name, rest, want]] of LYING_OPENS.entries()) {
      const peer = await stage.connect(i);
      peer.say(encodeMessage(MessageType.Open, fromHex(OPEN + rest)));
      await stage.settle(name, () => peer.closed !== undefined);
      assert.equal(peer.notifications.at(-1)?.slice(0, 4), want, name);
      assert.equal(sum(stage, "semrd_bgp_notifications_sent_total", { peer: stage.addressOf(i) }), 1, name);
      assert.equal(status(stage, i).lastSent?.code, 2, name);
    }
    stage.assertInnocent();
  });

  it("a table that is announced and withdrawn without pause: nothing stays behind", async (t) => {
    const stage = await simulated(t, { kinds: ["internal"] });
    const peer = await up(stage);
    const routes = Array.from({ length: 300 }, (_, i) => `30200100${i.toString(16).padStart(6, "0")}`).join("");
    const here = update("internal", "ipv6-unicast", { reach: reach("ipv6-unicast", NEW_HOP, routes) });
    const value = fromHex(`000201${routes}`).length;
    const gone = fromHex(
      `0000${(value + 4).toString(16).padStart(4, "0")}900f${value.toString(16).padStart(4, "0")}000201${routes}`,
    );
    for (let i = 0; i < 50; i++) {
      peer.update(here);
      peer.update(gone);
    }
    await stage.settle("all of them", () => status(stage).updatesReceived === 100);
    assert.deepEqual([status(stage).routesReceived, status(stage).state], [0, "Established"]);
    stage.assertInnocent();
  });
});
