import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIpv6, parseIpv6Prefix } from "../../../src/base/index.ts";
import type { LinkAddresses, Transport } from "../../../src/bgp/speaker/index.ts";
import { LinkWatch } from "../../../src/bgp/speaker/link-watch.ts";
import { encodeRouterAdvertisement, encodeRouterSolicitation } from "../../../src/bgp/speaker/router-advertisement.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { RecordedLog } from "./router.ts";

const OWN: LinkAddresses = { linkLocal: parseIpv6("fe80::1")! };
const PEER = "fe80::2%eth0";

/** A host with one interface, whose addresses the test says. */
function host({ discovers = false } = {}) {
  const clock = new VirtualClock(0);
  const listens: string[] = [];
  const indexes: (number | undefined)[] = [];
  const sent: string[] = [];
  const heard: string[][] = [];
  const state = {
    addresses: OWN as LinkAddresses,
    subnets: ["2001:db8::/64"],
    zones: new Set<string>(["eth0"]),
    inbox: [] as { octets: Uint8Array; source: string; hopLimit: number }[],
    fails: false,
    open: 0,
    opened: 0,
    changed: 0,
  };
  const transport: Transport = {
    connect: () => assert.fail("nobody connects"),
    listen: () => assert.fail("listeners are others' matter"),
    subnets: () => state.subnets.map((text) => parseIpv6Prefix(text)!),
    addresses: () => state.addresses,
    discover: () => {
      state.open++;
      state.opened++;
      return {
        receive: () => state.inbox.shift(),
        send: (octets, to) => {
          if (state.fails) throw new Error("ENODEV");
          sent.push(`${octets[0]} to ${to}`);
        },
        close: () => void state.open--,
      };
    },
  };
  const session = { key: {}, local: "2001:db8::1", changed: () => void state.changed++ };
  const watch = new LinkWatch({
    ...{ clock, transport, log: new RecordedLog(), port: () => 179 },
    zones: () => state.zones,
    sessions: () => [session],
    listen(addresses) {
      listens.push(addresses.map(({ address, port }) => `${address} ${port}`).join(", "));
      indexes.push(...addresses.map(({ index }) => index));
    },
    discoverOn: () => (discovers ? state.zones : new Set()),
    heard: (addresses) => heard.push([...addresses]),
  });
  const say = (octets: Uint8Array, source = PEER): void => void state.inbox.push({ octets, source, hopLimit: 255 });
  return { clock, watch, state, listens, indexes, sent, heard, session, say };
}

describe("interfaces with neighbours on their links", () => {
  it("this router listens at its address there, when it comes and for as long as it stays", () => {
    const { clock, watch, state, listens } = host();
    state.addresses = {};
    watch.look();
    state.addresses = OWN;
    clock.advance(1000);
    state.addresses = { linkLocal: parseIpv6("fe80::7")! };
    clock.advance(1000);
    state.zones.clear();
    clock.advance(1000);
    assert.deepEqual(listens, ["", "fe80::1%eth0 179", "fe80::7%eth0 179", ""]);
    watch[Symbol.dispose]();
    clock.advance(5000);
    assert.equal(listens.length, 4);
  });

  it("one that is removed and made anew between two looks is another one (RFC 4007 §6)", () => {
    const { clock, watch, state, indexes, sent } = host({ discovers: true });
    state.addresses = { ...OWN, index: 7 };
    watch.look();
    clock.advance(40_000);
    sent.length = 0;
    state.addresses = { ...OWN, index: 8 };
    clock.advance(1000);
    assert.deepEqual(indexes.slice(-2), [7, 8]);
    assert.deepEqual([state.opened, state.open], [2, 1], "the socket of before hears nothing any more");
    assert.ok(sent.includes("134 to ff02::1%eth0"), "it is young");
  });

  it("once it is over nothing is looked at, whoever asks", () => {
    const { clock, watch, listens } = host();
    watch.look();
    watch.soon();
    watch[Symbol.dispose]();
    watch.look();
    watch.soon();
    clock.advance(5000);
    assert.equal(listens.length, 1);
  });

  it("thousands of neighbours that come at the same time are one look", () => {
    const { clock, watch, listens } = host();
    for (let i = 0; i < 5000; i++) watch.soon();
    clock.advance(1);
    assert.equal(listens.length, 1);
    watch.soon();
    clock.advance(1);
    assert.equal(listens.length, 2);
  });

  it("sessions hear of it when what is on the link is something else, and only then", () => {
    const { clock, watch, state, session } = host();
    watch.began(session);
    clock.advance(3000);
    assert.equal(state.changed, 0);
    state.subnets = ["2001:db8:1::/64", "2001:db8::/64"];
    clock.advance(1000);
    assert.equal(state.changed, 1);
    state.subnets.reverse();
    clock.advance(3000);
    assert.equal(state.changed, 1);
    state.addresses = { linkLocal: parseIpv6("fe80::7")! };
    clock.advance(1000);
    assert.equal(state.changed, 2);
    // A global address more is of no concern to a session with one of its own.
    state.addresses = { ...state.addresses, global: parseIpv6("2001:db8::9")! };
    clock.advance(1000);
    assert.equal(state.changed, 2);
  });
});

describe("routers that say that they are there (RFC 4861)", () => {
  it("are there for as long as they said, and 30 s at least; this router says so every second, and every 10 s later on", () => {
    const { clock, watch, state, sent, heard, say } = host({ discovers: true });
    watch.look();
    assert.deepEqual(sent.splice(0), ["134 to ff02::1%eth0", "133 to ff02::2%eth0"]);
    say(encodeRouterAdvertisement());
    clock.advance(1000);
    assert.deepEqual([heard.at(-1), watch.hears(PEER), watch.hears("fe80::3%eth0")], [[PEER], true, false]);
    assert.deepEqual(sent.splice(0), ["134 to ff02::1%eth0"]);
    clock.advance(29_000);
    assert.deepEqual([watch.hears(PEER), sent.splice(0).length], [true, 28]);
    clock.advance(2000);
    assert.deepEqual([heard.at(-1), watch.hears(PEER)], [[], false]);
    sent.length = 0;
    for (let i = 0; i < 60; i++) {
      say(encodeRouterAdvertisement());
      clock.advance(1000);
    }
    const calm = sent.filter((message) => message.startsWith("134"));
    assert.ok(calm.length >= 6 && calm.length <= 7, `${calm.length} in a minute`);
    assert.equal(state.open, 1);
  });

  it("who asks is answered at the next look; what comes from elsewhere, or with another zone, is nobody", () => {
    const { clock, watch, sent, heard, say } = host({ discovers: true });
    watch.look();
    for (let i = 0; i < 40; i++) {
      say(encodeRouterAdvertisement());
      clock.advance(1000);
    }
    sent.length = 0;
    clock.advance(1000);
    say(encodeRouterSolicitation(), "::");
    clock.advance(1000);
    assert.ok(sent.includes("134 to ff02::1%eth0"));
    say(encodeRouterAdvertisement(), "fe80::9%eth1");
    say(encodeRouterAdvertisement(), "2001:db8::9");
    clock.advance(1000);
    assert.deepEqual(heard.at(-1), [PEER]);
  });

  it("a flood is read in parts and fills nothing", () => {
    const { clock, watch, state, heard, say } = host({ discovers: true });
    for (let i = 0; i < 1000; i++) say(encodeRouterAdvertisement(), `fe80::${(i + 16).toString(16)}%eth0`);
    watch.look();
    assert.equal(state.inbox.length, 1000 - 64);
    clock.advance(20_000);
    assert.equal(heard.at(-1)!.length, 256);
  });

  it("who once named many routers that are there for hours does not keep out those that say so all the time", () => {
    const { clock, watch, state, heard, say } = host({ discovers: true });
    const forHours = encodeRouterAdvertisement();
    forHours.set([0xff, 0xff], 6);
    watch.look();
    say(encodeRouterAdvertisement());
    for (let i = 0; i < 255; i++) say(forHours, `fe80::${(i + 16).toString(16)}%eth0`);
    clock.advance(5000);
    assert.equal(heard.at(-1)!.length, 256);
    const late = "fe80::3%eth0";
    for (let passed = 0; passed < 40; passed += 10) {
      say(encodeRouterAdvertisement());
      say(encodeRouterAdvertisement(), late);
      clock.advance(10_000);
    }
    assert.deepEqual([watch.hears(PEER), watch.hears(late), heard.at(-1)!.length], [true, true, 256]);
    // Nobody who says so all the time is forgotten, however many come.
    for (let passed = 0; passed < 60; passed++) {
      say(encodeRouterAdvertisement());
      say(encodeRouterAdvertisement(), late);
      for (let i = 0; i < 60; i++) say(forHours, `fe80::1:${(passed * 60 + i).toString(16)}%eth0`);
      clock.advance(1000);
      assert.deepEqual([watch.hears(PEER), watch.hears(late)], [true, true]);
    }
    assert.equal(state.inbox.length, 0);
    assert.equal(heard.at(-1)!.length, 256);
  });

  it("a link that leads back brings nobody", () => {
    const { clock, watch, heard, say } = host({ discovers: true });
    watch.look();
    say(encodeRouterAdvertisement(), "fe80::1%eth0");
    clock.advance(1000);
    assert.deepEqual(heard.at(-1), []);
  });

  it("an interface that goes and comes again is opened anew", () => {
    const { clock, watch, state, heard, say } = host({ discovers: true });
    watch.look();
    state.fails = true;
    clock.advance(1000);
    assert.equal(state.open, 0);
    state.fails = false;
    clock.advance(1000);
    say(encodeRouterAdvertisement());
    clock.advance(1000);
    assert.deepEqual([state.open, heard.at(-1)], [1, [PEER]]);
    watch[Symbol.dispose]();
    assert.equal(state.open, 0);
  });
});
