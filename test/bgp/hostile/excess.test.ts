import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { CeaseSubcode, encodeKeepalive, MessageType, writeHeader } from "../../../src/bgp/wire/index.ts";
import { heldMemory } from "../../host/held-memory.ts";
import { attribute, base, message, NEW_HOP, reach, update } from "./case.ts";
import type { HostilePeer } from "./hostile-peer.ts";
import { onLoopback, type Stage, simulated } from "./stage.ts";

const hex = (value: number, octets: number): string => value.toString(16).padStart(2 * octets, "0");

/** An UPDATE of any length. */
function long(body: Uint8Array): Uint8Array {
  const octets = new Uint8Array(19 + body.length);
  octets.set(body, 19);
  writeHeader(new DataView(octets.buffer), octets.length, MessageType.Update);
  return octets;
}

/** An UPDATE with `count` IPv6 prefixes of 48 bits, beginning with number `first`. */
function prefixes(first: number, count: number): Uint8Array {
  let routes = "";
  for (let n = first; n < first + count; n++) routes += `30${hex(0x20000000 + (n >>> 16), 4)}${hex(n & 0xffff, 2)}`;
  return update("internal", "ipv6-unicast", { reach: reach("ipv6-unicast", NEW_HOP, routes) });
}

const A_MESSAGE = 500;
/** A multiple of that. */
const MAXIMUM = 5_000;

/** Others of the kind, one after the other, at the cost of a copy: both ends of the sessions live in the process that makes them. */
function* prefixesWithoutEnd(): Generator<Uint8Array> {
  const body = prefixes(0, A_MESSAGE);
  const from = Buffer.from(body).indexOf("302000000000003020000000", 0, "hex");
  assert.ok(from > 0);
  for (let first = 0; ; first += A_MESSAGE) {
    const octets = body.slice();
    const view = new DataView(octets.buffer);
    for (let i = 0; i < A_MESSAGE; i++) {
      view.setUint32(from + 7 * i + 1, 0x20000000 + ((first + i) >>> 16));
      view.setUint16(from + 7 * i + 5, (first + i) & 0xffff);
    }
    yield octets;
  }
}

async function up(stage: Stage, kind: Parameters<HostilePeer["open"]>[0], changes = {}): Promise<HostilePeer> {
  const peer = await stage.connect(0);
  peer.open(kind, changes);
  await stage.settle("a session", () => stage.router.peer(stage.addressOf(0)).state === "Established");
  return peer;
}

describe("neighbours that say too much, while another session stands", () => {
  it("ten times its maximum: Cease, no routes left, a counter (RFC 4486 §4)", async (t) => {
    const stage = await simulated(t, { kinds: ["internal"], peer: { maximumRoutes: 1000 } });
    const peer = await up(stage, "internal");
    for (let n = 0; n < 10_000; n += A_MESSAGE) peer.update(prefixes(n, A_MESSAGE));
    const status = () => stage.router.peer(stage.addressOf(0));
    await stage.settle("the end", () => peer.closed !== undefined && status().routesReceived === 0);
    assert.deepEqual(peer.notifications, [`06010002010000${hex(1000, 2)}`]);
    assert.deepEqual(
      [status().flaps, status().lastSent?.code, status().lastSent?.subcode],
      [1, 6, CeaseSubcode.MaximumNumberOfPrefixesReached],
    );
    assert.equal(stage.router.metrics.sum("semrd_bgp_notifications_sent_total", { peer: stage.addressOf(0) }), 1);
    assert.ok(stage.router.log.has("bgp.routes.maximum"));
    stage.assertInnocent();
  });

  it("routes without end, past its maximum: it is ended early, memory stays, nobody else notices", async (t) => {
    const stage = await onLoopback(t, { kinds: ["internal"], peer: { maximumRoutes: MAXIMUM } });
    const peer = await up(stage, "internal");
    const before = heldMemory();
    let said = 0;
    const more = prefixesWithoutEnd();
    await stage.settle("the end", () => {
      // As fast as the router takes it; what waits in this process is no matter of the router.
      while (peer.closed === undefined && peer.queued < 256 * 1024 && said < 10_000_000) {
        peer.update(more.next().value!);
        said += A_MESSAGE;
      }
      return peer.closed !== undefined;
    });
    const status = () => stage.router.peer(stage.addressOf(0));
    await stage.settle("no routes", () => status().routesReceived === 0);
    assert.deepEqual([status().flaps, peer.notifications.length], [1, 1]);
    // What more was said waited in the kernel, which has room for a million.
    assert.equal(
      status().updatesReceived,
      MAXIMUM / A_MESSAGE + 1,
      "the first message past the maximum is the last one",
    );
    const grown = heldMemory() - before;
    t.diagnostic(`${said} routes said, ${grown.toFixed(0)} MiB more`);
    assert.ok(grown < 10, `${grown} MiB more`);
    stage.assertInnocent();
  });

  it("1000 communities on a route, and as many attributes as a message holds: carried whole, or withheld and counted", async (t) => {
    const stage = await simulated(t, { kinds: ["external"] });
    const peer = await up(stage, "external", { extendedMessages: true });
    const communities = Array.from({ length: 1000 }, (_, i) => hex(0xfde80000 + i, 4)).join("");
    peer.say(long(update("external", "capability", { with: { 8: attribute(0xc0, 8, communities) } })));
    const status = () => stage.router.peer(stage.addressOf(0));
    await stage.settle("the route", () => status().routesReceived === 1);
    const route = () => stage.innocent.rows().find(({ attributes }) => attributes.communities.length > 0);
    await stage.settle("the route at the innocent neighbour", () => route() !== undefined);
    assert.equal(route()!.attributes.communities.length, 1000);

    // Every code that nobody knows, each once, and one that fills the message.
    const attributes = [...base("external", "ipv6-unicast").values()];
    for (let code = 41; code < 255; code++) attributes.push(attribute(0xc0, code, "aa".repeat(100)));
    attributes.push(attribute(0xc0, 8, communities.repeat(9).slice(0, 8 * 9000)));
    const body = message("", reach("ipv6-unicast", NEW_HOP, "3020010db80001") + attributes.join(""), "");
    assert.ok(body.length > 50_000 && body.length < 65_000, `${body.length}`);
    peer.say(long(body));
    await stage.settle("the large route", () => status().routesReceived === 2);
    peer.update(update("external", "ipv6-unicast"));
    await stage.settle("a small one in its place", () => status().updatesReceived >= 3);
    assert.equal(status().state, "Established");
    stage.assertInnocent();
  });

  it("paths of 2000 AS numbers are taken, loops are refused and counted (RFC 4271 §9.1.2)", async (t) => {
    const stage = await simulated(t, { kinds: ["internal"] });
    const peer = await up(stage, "internal", { extendedMessages: true });
    const path = (numbers: readonly number[]): string => {
      let value = "";
      for (let from = 0; from < numbers.length; from += 250) {
        const part = numbers.slice(from, from + 250);
        value += `02${hex(part.length, 1)}${part.map((number) => hex(number, 4)).join("")}`;
      }
      return attribute(0x40, 2, value);
    };
    const far = Array.from({ length: 2000 }, (_, i) => 100_000 + i);
    peer.say(long(update("internal", "ipv6-unicast", { with: { 2: path(far) } })));
    const status = () => stage.router.peer(stage.addressOf(0));
    await stage.settle("the route", () => status().routesReceived === 1);
    const [row] = [...stage.router.rib.unicast("ipv6-unicast").rowsOf({})].filter(
      ({ attributes }) => attributes.asPath.length > 0,
    );
    assert.equal(row?.attributes.asPath.flatMap(({ numbers }) => numbers).length, 2000);
    const loops = 200;
    for (let i = 0; i < loops; i++) {
      const numbers = [...far.slice(0, 50 + i), 65000];
      peer.say(long(update("internal", "ipv6-unicast", { with: { 2: path(numbers) } })));
    }
    await stage.settle("all of them", () => status().updatesReceived === 1 + loops);
    const labels = { peer: stage.addressOf(0), reason: "as-loop" };
    assert.equal(stage.router.metrics.sum("semrd_bgp_refused_routes_total", labels), loops);
    assert.deepEqual([status().routesReceived, status().state], [0, "Established"]);
    stage.assertInnocent();
  });

  it("5000 paths of one net: 32 are kept, the others are counted (RFC 7911)", async (t) => {
    const stage = await simulated(t, { kinds: ["paths"] });
    const peer = await up(stage, "paths");
    const paths = 5000;
    for (let first = 0; first < paths; first += 250) {
      let routes = "";
      for (let id = first; id < first + 250; id++) routes += `${hex(id, 4)}3020010db80001`;
      peer.update(update("paths", "ipv6-unicast", { reach: reach("ipv6-unicast", NEW_HOP, routes) }));
    }
    const status = () => stage.router.peer(stage.addressOf(0));
    await stage.settle("all of them", () => status().updatesReceived === paths / 250);
    assert.equal(status().routesReceived, 32);
    const labels = { peer: stage.addressOf(0), reason: "too-many-paths" };
    assert.equal(stage.router.metrics.sum("semrd_bgp_refused_routes_total", labels), paths - 32);
    stage.assertInnocent();
  });

  it("more routes than there is room for end the session, and nothing else", async (t) => {
    const stage = await simulated(t, {
      kinds: ["internal"],
      router: { maxRoutes: 500 },
      peer: { holdTime: seconds(240) },
    });
    const peer = await up(stage, "internal");
    for (let n = 0; n < 2000; n += 100) peer.update(prefixes(n, 100));
    peer.say(encodeKeepalive());
    await stage.settle("the end", () => peer.closed !== undefined);
    assert.deepEqual(peer.notifications, ["0608"]);
    assert.ok(stage.router.log.has("bgp.routes.no-room"));
    stage.assertInnocent();
  });
});
