import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type Duplex, duplexPair } from "node:stream";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { milliseconds } from "../../../src/base/index.ts";
import { LaterTurns } from "../../../src/host/later-turns.ts";
import { type Framing, framed } from "../../../src/management/netconf/framing.ts";
import { Listener } from "../../../src/management/netconf/listener.ts";
import { type Answered, NetconfSession, type SessionLimits } from "../../../src/management/netconf/session.ts";
import { Logins } from "../../../src/management/netconf/transport.ts";
import { ListLog, TallyMetrics } from "../../sim/tally-metrics.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0";
const LIMITS: SessionLimits = {
  maxMessage: 1_000,
  helloTimeout: milliseconds(30_000),
  idleTimeout: milliseconds(60_000),
};

const hello = (...versions: string[]): string =>
  `<hello xmlns="${BASE}"><capabilities>${versions.map((version) => `<capability>urn:ietf:params:netconf:base:${version}</capability>`).join("")}</capabilities></hello>]]>]]>`;

type Answerer = (text: string) => Answered | Promise<Answered>;

/** Time that only moves when a test says so, and turns that are those of the event loop. */
class TurningClock extends VirtualClock {
  override soon(run: () => void): void {
    setImmediate(run);
  }
}

/** A client's end of a session whose requests `answer` answers. */
class Client {
  readonly clock: VirtualClock;
  readonly stream: Duplex;
  readonly session: NetconfSession;
  readonly over: Promise<string>;
  received = "";

  constructor(
    answer: Answerer = (text) => ({ text, outcome: "fine" }),
    limits: SessionLimits = LIMITS,
    clock: VirtualClock = new TurningClock(0),
  ) {
    this.clock = clock;
    const [ours, theirs] = duplexPair();
    this.stream = ours;
    ours.on("data", (octets) => {
      this.received += octets;
    });
    this.session = new NetconfSession(
      theirs,
      { id: 4, user: "alice", protocol: "netconf", source: "test" },
      {
        clock: this.clock,
        log: new ListLog(),
        limits,
        transport: "ssh",
        capabilities: ["urn:a&b"],
        answer: async (_, text) => answer(text),
      },
    );
    this.over = this.session.serve().then(({ text }) => text);
  }

  send(text: string, framing?: Framing): void {
    for (const piece of framing === undefined ? [text] : framed([Buffer.from(text)], framing)) this.stream.write(piece);
  }

  async until(wanted: RegExp): Promise<void> {
    for (let i = 0; i < 1_000 && !wanted.test(this.received); i++) await turn();
    assert.match(this.received, wanted);
  }

  /** Its streams have the two seconds that they may take to close. */
  async ended(): Promise<string> {
    this.clock.advance(2_000);
    // What waits for its turn is given one, as time has passed.
    for (let i = 0; i < 20; i++) {
      await turn();
      this.clock.settle();
    }
    return this.over;
  }
}

describe("hello", () => {
  it("comes first, with the session id", async () => {
    const client = new Client();
    await client.until(
      /<capability>urn:a&amp;b<\/capability><\/capabilities><session-id>4<\/session-id><\/hello>\]\]>\]\]>/,
    );
    client.stream.end();
    assert.equal(await client.over, "closed by the client");
  });

  for (const [versions, framing] of [
    [["1.0"], "end-of-message"],
    [["1.1"], "chunked"],
    [["1.0", "1.1"], "chunked"],
  ] as const) {
    it(`of a client with base ${versions.join(" and ")} agrees on ${framing}`, async () => {
      const client = new Client(() => ({ text: "<answer/>", outcome: "fine", last: true }));
      client.send(hello(...versions));
      client.send("<rpc/>", framing);
      assert.equal(await client.over, "closed by the client");
      await turn();
      assert.ok(
        client.received.endsWith(framing === "chunked" ? "\n#9\n<answer/>\n##\n" : "<answer/>]]>]]>"),
        client.received,
      );
    });
  }

  for (const [what, text, reason] of [
    ["no common version", hello("9.9"), /neither base:1.0 nor base:1.1/],
    ["a request", `<rpc xmlns="${BASE}"/>]]>]]>`, /bad hello: the first message is rpc/],
  ] as const) {
    it(`with ${what} ends the session`, async () => {
      const client = new Client();
      client.send(text);
      assert.match(await client.over, reason);
    });
  }

  it("has its time", async () => {
    const client = new Client();
    client.clock.advance(30_000);
    client.clock.advance(2_000);
    assert.equal(await client.over, "no hello in time");
  });
});

describe("requests", () => {
  it("that come together are answered together; one that takes its time holds back no answer before it", async () => {
    const slow = Promise.withResolvers<Answered>();
    const client = new Client((text) => (text === "<slow/>" ? slow.promise : { text, outcome: "fine" }));
    client.send(hello("1.0"));
    await client.until(/<\/hello>/);
    const pieces: string[] = [];
    client.stream.on("data", (octets) => void pieces.push(String(octets)));
    client.send("<a/>]]>]]><b/>]]>]]><c/>]]>]]>");
    await client.until(/<c\/>/);
    assert.deepEqual(pieces.splice(0), ["<a/>]]>]]><b/>]]>]]><c/>]]>]]>"]);
    client.send("<d/>]]>]]><e/>]]>]]><slow/>]]>]]><f/>]]>]]>");
    await turn();
    client.clock.settle();
    await client.until(/<e\/>/);
    assert.deepEqual(pieces.splice(0), ["<d/>]]>]]><e/>]]>]]>"]);
    slow.resolve({ text: "<done/>", outcome: "fine" });
    await client.until(/<f\/>/);
    assert.deepEqual(pieces, ["<done/>]]>]]><f/>]]>]]>"]);
    client.stream.end();
    await client.over;
  });

  it("are answered in their order, one at a time", async () => {
    let at = 0;
    let most = 0;
    const client = new Client(async (text) => {
      most = Math.max(most, ++at);
      for (let i = 0; i < (text === "<a/>" ? 50 : 1); i++) await turn();
      at--;
      return { text, outcome: "fine" };
    });
    client.send(hello("1.0"));
    for (const text of ["<a/>", "<b/>", "<c/>"]) client.send(text, "end-of-message");
    await client.until(/<a\/>\]\]>\]\]><b\/>\]\]>\]\]><c\/>\]\]>\]\]>$/);
    assert.equal(most, 1);
    assert.deepEqual(client.session.counters, { inRpcs: 3, inBadRpcs: 0, outRpcErrors: 0, outNotifications: 0 });
    client.stream.end();
    await client.over;
  });

  for (const [what, text, reason] of [
    ["malformed framing", "\n#0\n", /malformed framing/],
    ["too large a message", "\n#1001\n", /more than 1000 octets/],
    ["octets that are no UTF-8", "\n#1\n\u{fffd}\n##\n", /not UTF-8/],
  ] as const) {
    it(`${what} ends the session, which says nothing more`, async () => {
      const client = new Client();
      client.send(hello("1.1"));
      await client.until(/hello>\]\]>\]\]>$/);
      client.stream.write(what.includes("UTF-8") ? Buffer.from([10, 35, 49, 10, 0xff, 10, 35, 35, 10]) : text);
      assert.match(await client.over, reason);
      assert.match(client.received, /hello>\]\]>\]\]>$/);
    });
  }

  it("a client that leaves in the middle of a message is noticed", async () => {
    const client = new Client();
    client.send(`${hello("1.1")}\n#10\nabc`);
    client.stream.end();
    assert.equal(await client.over, "the client left in the middle of a message");
  });

  it("none for too long ends the session, unless it is subscribed", async () => {
    const client = new Client();
    client.send(hello("1.1"));
    await client.until(/hello/);
    for (let i = 0; i < 10; i++) await turn();
    client.session.subscribed = true;
    client.clock.advance(60_000);
    assert.equal(client.session.signal.aborted, false);
    client.session.subscribed = false;
    client.clock.advance(60_000);
    client.clock.advance(2_000);
    assert.equal(await client.over, "idle for too long");
  });

  it("a session is ended from outside while a request is under way", async () => {
    const gate = Promise.withResolvers<Answered>();
    const client = new Client(() => gate.promise);
    client.send(`${hello("1.0")}<a/>]]>]]>`);
    for (let i = 0; i < 10; i++) await turn();
    client.session.terminate("killed");
    assert.equal(client.session.signal.aborted, true);
    gate.resolve({ text: "<late/>", outcome: "fine" });
    assert.equal(await client.over, "killed");
    assert.doesNotMatch(client.received, /late/);
  });
});

it("a client that does not read its notifications is cut off, and holds a bounded amount until then", async () => {
  const client = new Client();
  client.send(hello("1.0"));
  await client.until(/hello/);
  client.stream.pause();
  const notification = `<notification>${"x".repeat(100_000)}</notification>`;
  let sent = 0;
  while (!client.session.signal.aborted && sent < 1_000) {
    client.session.notify(notification);
    sent++;
    await turn();
  }
  assert.ok(sent >= 40 && sent < 50, `${sent} notifications`);
  client.clock.advance(2_000);
  assert.match(await client.over, /unread/);
  if (!client.stream.destroyed) client.stream.destroy();
  if (!client.stream.closed) await once(client.stream, "close");
});

it("notifications that come while a large answer is read are behind it, and end nothing", async () => {
  const large = "x".repeat(8 * 1024 * 1024);
  const client = new Client(() => ({ text: ["<a>", Buffer.from(large), "</a>"], outcome: "fine" }));
  client.send(hello("1.0"));
  await client.until(/hello/);
  client.stream.pause();
  client.send("<a/>]]>]]>");
  for (let i = 0; i < 20; i++) await turn();
  for (let i = 0; i < 3; i++) client.session.notify(`<notification>${i}</notification>`);
  client.stream.resume();
  await client.until(/<notification>2</);
  const [, answer, ...notifications] = client.received.split("]]>]]>");
  assert.equal(answer, `<a>${large}</a>`);
  assert.deepEqual(notifications, [0, 1, 2].map((i) => `<notification>${i}</notification>`).concat(""));
  assert.equal(client.session.signal.aborted, false);
  client.stream.end();
  await client.over;
});

describe("a session that is to end with its answer", () => {
  it("has the one that it waits for, and no other", async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<Answered>();
    const client = new Client(() => {
      asked.resolve();
      return answer.promise;
    });
    client.send(hello("1.0"));
    client.send("<commit/>]]>]]><next/>]]>]]>");
    await asked.promise;
    client.session.retire("switched off");
    assert.equal(client.session.signal.aborted, false);
    answer.resolve({ text: "<ok/>", outcome: "fine" });
    assert.equal(await client.over, "switched off");
    await client.until(/<ok\/>\]\]>\]\]>$/);
    assert.equal(client.session.counters.inRpcs, 1);
  });

  it("ends at once where it waits for none", async () => {
    const client = new Client();
    client.send(`${hello("1.0")}<first/>]]>]]>`);
    await client.until(/<first\/>/);
    await turn();
    client.session.retire("switched off");
    assert.ok(client.session.signal.aborted);
    assert.equal(await client.ended(), "switched off");
  });
});

describe("a large answer", () => {
  const large = "x".repeat(1024 * 1024);
  /** What the client does not take at all, or one piece at a time. */
  async function unread(last: boolean): Promise<Client> {
    const client = new Client(() => ({ text: large, outcome: "fine", ...(last ? { last: true } : {}) }));
    client.send(hello("1.0"));
    await client.until(/hello/);
    client.stream.pause();
    client.send("<a/>]]>]]>");
    for (let i = 0; i < 20; i++) await turn();
    return client;
  }

  for (const [what, last] of [
    ["a client that takes none of it", false],
    ["a client that has closed its session, and takes none of it", true],
  ] as const)
    it(`${what} is idle`, async () => {
      const client = await unread(last);
      client.clock.advance(59_000);
      assert.equal(client.session.signal.aborted, false);
      client.clock.advance(1_000);
      assert.equal(client.session.signal.aborted, true);
      assert.equal(await client.ended(), "idle for too long");
    });

  it("a client that has left, and takes none of it, is idle", async () => {
    const client = await unread(false);
    client.stream.end();
    for (let i = 0; i < 20; i++) await turn();
    assert.equal(client.session.signal.aborted, false);
    client.clock.advance(60_000);
    assert.equal(await client.ended(), "idle for too long");
  });

  it("a client that takes a piece of it from time to time is at work", async () => {
    const client = await unread(false);
    let taken = 0;
    while (taken < large.length / 2) {
      const before = taken;
      for (let i = 0; i < 1_000 && taken === before; i++) {
        taken += ((client.stream.read() as Uint8Array | null) ?? "").length;
        client.clock.settle();
        await turn();
      }
      assert.ok(taken > before, `nothing came after ${taken} octets`);
      client.clock.advance(50_000);
      assert.equal(client.session.signal.aborted, false);
    }
    client.stream.resume();
    for (let i = 0; i < 1_000 && !client.received.endsWith("x]]>]]>"); i++) {
      client.clock.settle();
      await turn();
    }
    assert.ok(client.received.endsWith("x]]>]]>"), `${client.received.length} octets came`);
    client.stream.end();
    assert.equal(await client.ended(), "closed by the client");
  });

  it("of a session that is killed ends in the middle, and holds nothing", async () => {
    const client = await unread(false);
    client.session.terminate("killed", 7);
    assert.equal(await client.ended(), "killed");
    assert.ok(client.received.length < large.length);
    assert.equal(client.clock.armed, 0);
  });
});

it("requests of many sessions that come in one turn are answered in turns of a few milliseconds", async () => {
  /** As the router's, but an answer takes a millisecond, and nothing else takes any time. */
  class SharingClock extends VirtualClock {
    readonly #turns = new LaterTurns({ now: () => this.monotonic(), immediate: setImmediate });

    override soon(run: () => void): void {
      this.#turns.soon(run);
    }
  }
  const clock = new SharingClock(0);
  let [answered, before, most] = [0, 0, 0];
  const answer = (text: string): Answered => {
    clock.advance(1);
    answered++;
    return { text, outcome: "fine" };
  };
  const clients = Array.from({ length: 60 }, () => new Client(answer, LIMITS, clock));
  for (const client of clients) client.send(hello("1.1"));
  for (const client of clients) await client.until(/<\/hello>/);
  for (const client of clients) client.send("<rpc/>", "chunked");
  for (let turns = 0; turns < 1_000 && answered < clients.length; turns++) {
    await turn();
    most = Math.max(most, answered - before);
    before = answered;
  }
  assert.equal(answered, clients.length);
  assert.ok(most <= 4, `${most} of ${clients.length} in one turn`);
  for (const client of clients) await client.until(/<rpc\/>/);
  for (const client of clients) {
    client.stream.end();
    await client.over;
  }
});

describe("a listener", () => {
  it("ends at once, whoever is connected, and its address is free", async () => {
    const taken: Socket[] = [];
    const transport = { name: "ssh", take: async (socket: Socket) => taken.push(socket) > 0 } as const;
    const clock = new VirtualClock();
    const logins = new Logins({ loginTimeout: milliseconds(60_000), maxLogins: 4 }, clock);
    const parts = { transport: "ssh", clock, log: new ListLog(), metrics: new TallyMetrics() } as const;
    const listener = await Listener.listen("::1", 0, parts);
    listener.door = { transport, logins };
    const { port } = listener;
    const client = connect(port, "::1");
    try {
      await once(client, "connect");
      while (taken.length === 0) await turn();
      let isOver = false;
      const over = listener[Symbol.asyncDispose]().then(() => {
        isOver = true;
      });
      for (let turns = 0; turns < 100; turns++) await turn();
      assert.ok(isOver, "it waits for a client");
      await over;
      assert.ok(!taken[0]!.destroyed, "who is connected is the transport's");
      await using again = await Listener.listen("::1", port, parts);
      assert.equal(again.port, port);
    } finally {
      taken[0]?.destroy();
      client.destroy();
    }
  });
});
