import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type Agreement,
  leading,
  NO_PEERING,
  type Peering,
  type PeeringInput,
  type SessionEvent,
  type SessionSettings,
  stepPeering,
} from "../../../src/bgp/session/index.ts";
import { agreementSample, EVENTS, openSample, SESSIONS, SETTINGS, settingsSample, shown } from "./samples.ts";

/** `outgoing/incoming: effects` */
function outcome(peering: Peering, input: PeeringInput, settings = SETTINGS): { next: Peering; text: string } {
  const { peering: next, effects } = stepPeering(peering, input, settings);
  const states = `${next.outgoing.state}/${next.incoming?.state ?? "none"}`;
  return { next, text: `${states}: ${effects.map(shown).join(", ")}`.trim() };
}

const ACCEPTED: PeeringInput = { type: "accepted" };
const OPENED = "adopt, incoming: disarm connectRetry, incoming: sendOpen, incoming: arm hold 240";
const CONFIRMED = (side: string): string => `${side}: sendKeepalive, ${side}: arm keepalive ~30, ${side}: arm hold 90`;
const open = (bgpIdentifier: number, side: "outgoing" | "incoming"): PeeringInput => ({
  side,
  event: { type: "BGPOpen", open: openSample({ bgpIdentifier }) },
});
const HIGHER = SETTINGS.bgpIdentifier + 1;
const LOWER = SETTINGS.bgpIdentifier - 1;
const dumped = (side: string): string =>
  `${side}: notify 6/7, ${side}: close, ${side}: disarmAll, ${side}: ended OpenCollisionDump`;

describe("peering: accepted connections", () => {
  const CASES: { name: string; given: Peering; want: string; settings?: SessionSettings }[] = [
    { name: "Idle refuses", given: NO_PEERING, want: "Idle/none: refuse" },
    {
      name: "Active gives way",
      given: { outgoing: SESSIONS.Active, incoming: undefined },
      want: `Idle/OpenSent: outgoing: disarmAll, ${OPENED}`,
    },
    {
      name: "Connect goes on beside it",
      given: { outgoing: SESSIONS.Connect, incoming: undefined },
      want: `Connect/OpenSent: ${OPENED}`,
    },
    {
      name: "a second one takes the place of the first",
      given: { outgoing: SESSIONS.Idle, incoming: SESSIONS.OpenSent },
      want: `Idle/OpenSent: ${dumped("incoming")}, outgoing: disarmAll, ${OPENED}`,
    },
    {
      name: "an established session without graceful restart stays (RFC 4271 §6.8)",
      given: {
        outgoing: { ...SESSIONS.Established, agreed: agreementSample({ gracefulRestart: undefined }) },
        incoming: undefined,
      },
      want: "Established/none: refuse",
    },
    {
      name: "a restarted peer is back before its loss was seen (RFC 4724 §5)",
      given: { outgoing: SESSIONS.Established, incoming: undefined },
      want:
        "Idle/OpenSent: outgoing: close, outgoing: disarmAll, outgoing: ended TcpConnectionConfirmed established, " +
        `outgoing: arm idleHold ~1, outgoing: disarmAll, ${OPENED}`,
    },
    {
      name: "the same when the session was an incoming one",
      given: { outgoing: SESSIONS.Idle, incoming: SESSIONS.Established },
      want:
        "Idle/OpenSent: incoming: close, incoming: disarmAll, incoming: ended TcpConnectionConfirmed established, " +
        `outgoing: arm idleHold ~1, outgoing: disarmAll, ${OPENED}`,
    },
  ];
  for (const { name, given, want } of CASES) it(name, () => assert.equal(outcome(given, ACCEPTED).text, want));
});

describe("peering: collisions (RFC 4271 §6.8)", () => {
  const both: Peering = { outgoing: SESSIONS.OpenConfirm, incoming: SESSIONS.OpenSent };
  const reversed: Peering = { outgoing: SESSIONS.OpenSent, incoming: SESSIONS.OpenConfirm };

  it("our identifier is larger: the connection that we opened stays", () => {
    assert.equal(outcome(both, open(LOWER, "incoming")).text, `OpenConfirm/none: ${dumped("incoming")}`);
    assert.equal(
      outcome(reversed, open(LOWER, "outgoing")).text,
      `OpenConfirm/none: ${dumped("incoming")}, ${CONFIRMED("outgoing")}`,
    );
  });

  it("the peer's identifier is larger: the connection that it opened stays", () => {
    assert.equal(
      outcome(both, open(HIGHER, "incoming")).text,
      `Idle/OpenConfirm: ${dumped("outgoing")}, ${CONFIRMED("incoming")}`,
    );
    assert.equal(outcome(reversed, open(HIGHER, "outgoing")).text, `Idle/OpenConfirm: ${dumped("outgoing")}`);
  });

  it("equal identifiers: the larger AS decides (RFC 6286 §2.3)", () => {
    const settings = settingsSample({ remoteAs: 65001 });
    const event = {
      type: "BGPOpen",
      open: openSample({ localAs: 65001, bgpIdentifier: SETTINGS.bgpIdentifier }),
    } as const;
    assert.equal(outcome(both, { side: "incoming", event }, settings).next.outgoing.state, "Idle");
  });

  it("no OPEN yet on the other connection: the same rule, so that both ends drop the same one", () => {
    const given: Peering = { outgoing: SESSIONS.OpenSent, incoming: SESSIONS.OpenSent };
    const confirmed = `Idle/OpenConfirm: ${dumped("outgoing")}, ${CONFIRMED("incoming")}`;
    assert.equal(outcome(given, open(HIGHER, "incoming")).text, confirmed);
    assert.equal(outcome(given, open(HIGHER, "outgoing")).text, `Idle/OpenSent: ${dumped("outgoing")}`);
  });

  it("a session that was just established obeys the rule as well", () => {
    const fresh = { ...SESSIONS.Established, settled: false };
    const given: Peering = { outgoing: fresh, incoming: SESSIONS.OpenSent };
    assert.equal(outcome(given, open(LOWER, "incoming")).text, `Established/none: ${dumped("incoming")}`);
    assert.equal(outcome(given, open(HIGHER, "incoming")).next.incoming?.state, "OpenConfirm");
    assert.equal(outcome({ outgoing: fresh, incoming: undefined }, ACCEPTED).text, "Established/none: refuse");
  });

  it("an established session wins over a new one", () => {
    const given: Peering = { outgoing: SESSIONS.Established, incoming: SESSIONS.OpenSent };
    assert.equal(outcome(given, open(HIGHER, "incoming")).text, `Established/none: ${dumped("incoming")}`);
  });

  it("a second connection is a restart only where graceful restart names a family (RFC 4724 §5)", () => {
    const session = (agreed: Agreement) => ({ ...SESSIONS.Established, agreed });
    const second = (agreed: Agreement): string =>
      outcome({ outgoing: session(agreed), incoming: undefined }, ACCEPTED).text;
    const of = (changes: Partial<SessionSettings>): Agreement => agreementSample(changes);
    assert.match(second(of({})), /ended TcpConnectionConfirmed established/);
    assert.equal(second(of({ restartFamilies: [] })), "Established/none: refuse");
    assert.equal(second(of({ gracefulRestart: undefined })), "Established/none: refuse");
  });

  it("whoever is established ends the other attempt", () => {
    const given: Peering = { outgoing: SESSIONS.Connect, incoming: SESSIONS.OpenConfirm };
    const { text } = outcome(given, { side: "incoming", event: EVENTS.KeepAliveMsg });
    assert.equal(
      text,
      "Idle/Established: incoming: arm hold 90, incoming: established, " +
        "outgoing: close, outgoing: disarmAll, outgoing: ended OpenCollisionDump",
    );
  });
});

describe("peering: ends", () => {
  it("an incoming session that ends hands its wait to the configured peering", () => {
    const given: Peering = { outgoing: SESSIONS.Idle, incoming: SESSIONS.Established };
    const { text, next } = outcome(given, { side: "incoming", event: EVENTS.HoldTimer_Expires });
    assert.equal(
      text,
      "Idle/none: incoming: notify 4/0, incoming: close, incoming: disarmAll, " +
        "incoming: ended HoldTimer_Expires established, outgoing: arm idleHold ~1",
    );
    assert.equal(next.outgoing.failures, 1);
  });

  it("an incoming connection that ends beside an attempt leaves the attempt alone", () => {
    const given: Peering = { outgoing: SESSIONS.Connect, incoming: SESSIONS.OpenSent };
    const { text } = outcome(given, { side: "incoming", event: EVENTS.TcpConnectionFails });
    assert.equal(text, "Connect/none: incoming: close, incoming: disarmAll, incoming: ended TcpConnectionFails");
  });

  it("a stop ends both and leaves no timer", () => {
    const given: Peering = { outgoing: SESSIONS.Connect, incoming: SESSIONS.OpenSent };
    const { text } = outcome(given, { side: "outgoing", event: EVENTS.ManualStop });
    assert.equal(
      text,
      "Idle/none: incoming: notify 6/2, incoming: close, incoming: disarmAll, incoming: ended ManualStop, " +
        "outgoing: close, outgoing: disarmAll, outgoing: ended ManualStop",
    );
  });

  it("shows the connection that got further", () => {
    assert.equal(leading({ outgoing: SESSIONS.Connect, incoming: SESSIONS.OpenSent }).state, "OpenSent");
    assert.equal(leading({ outgoing: SESSIONS.OpenConfirm, incoming: SESSIONS.OpenSent }).state, "OpenConfirm");
    assert.equal(leading(NO_PEERING).state, "Idle");
  });

  it("an event of a connection that is gone changes nothing", () => {
    assert.equal(outcome(NO_PEERING, { side: "incoming", event: EVENTS.TcpConnectionFails }).text, "Idle/none:");
  });
});

describe("peering: two routers that connect to each other", () => {
  interface Wire {
    readonly from: "a" | "b";
    readonly connection: number;
    readonly event: SessionEvent | "accepted" | "closed";
  }

  /** Plays both ends with messages that arrive in any order between connections, and in order on each. */
  function play(choose: (count: number) => number): { a: Peering; b: Peering; log: string[]; armed: Set<string> } {
    const armed = new Set<string>();
    const settings = {
      a: settingsSample({ bgpIdentifier: 1 }),
      b: settingsSample({ bgpIdentifier: 2 }),
    };
    const ends: Record<"a" | "b", Peering> = {
      a: { outgoing: SESSIONS.Connect, incoming: undefined },
      b: { outgoing: SESSIONS.Connect, incoming: undefined },
    };
    // Connection 0 was opened by a, 1 by b. Each direction of each connection is a queue.
    const queues: Wire[][] = [[], [], [], []];
    const log: string[] = [];
    const alive: Record<"a" | "b", boolean[]> = { a: [true, true], b: [true, true] };
    const sideOf = (end: "a" | "b", connection: number): "outgoing" | "incoming" =>
      (connection === 0) === (end === "a") ? "outgoing" : "incoming";
    const send = (end: "a" | "b", connection: number, event: Wire["event"]): void => {
      queues[connection * 2 + (end === "a" ? 0 : 1)]!.push({ from: end, connection, event });
    };
    const run = (end: "a" | "b", connection: number, input: PeeringInput): void => {
      const { peering, effects } = stepPeering(ends[end], input, settings[end]);
      ends[end] = peering;
      for (const effect of effects) {
        log.push(`${end} ${shown(effect)}`);
        if (effect.type === "refuse") {
          alive[end][connection] = false;
          send(end, connection, "closed");
        }
        if (!("side" in effect)) continue;
        if (effect.type === "arm") armed.add(`${end} ${effect.side} ${effect.timer}`);
        if (effect.type === "disarm") armed.delete(`${end} ${effect.side} ${effect.timer}`);
        if (effect.type === "disarmAll") {
          for (const timer of armed) if (timer.startsWith(`${end} ${effect.side} `)) armed.delete(timer);
        }
        const on = (effect.side === "outgoing") === (end === "a") ? 0 : 1;
        if (effect.type === "close") {
          alive[end][on] = false;
          send(end, on, "closed");
        }
        if (effect.type === "sendOpen") send(end, on, { type: "BGPOpen", open: effect.open });
        if (effect.type === "sendKeepalive") send(end, on, { type: "KeepAliveMsg" });
        if (effect.type === "sendNotification") send(end, on, { type: "NotifMsg", notification: effect.notification });
      }
    };
    send("a", 0, "accepted");
    send("b", 1, "accepted");
    const acked = [false, false];
    for (let turn = 0; turn < 200; turn++) {
      const ready = queues.filter((queue) => queue.length > 0);
      if (ready.length === 0) break;
      const wire = ready[choose(ready.length)]!.shift()!;
      const end = wire.from === "a" ? "b" : "a";
      if (wire.event === "accepted") {
        // The SYN is answered: the opener may hear of it before or after the acceptor acts.
        acked[wire.connection] = true;
        const opener = wire.from;
        const first = choose(2) === 0;
        const hear = (): void => {
          if (ends[opener].outgoing.state === "Connect") {
            run(opener, wire.connection, { side: "outgoing", event: { type: "Tcp_CR_Acked" } });
          } else send(opener, wire.connection, "closed");
        };
        if (first) hear();
        run(end, wire.connection, { type: "accepted" });
        if (!first) hear();
        continue;
      }
      if (!alive[end][wire.connection]) continue;
      const event: SessionEvent = wire.event === "closed" ? { type: "TcpConnectionFails" } : wire.event;
      if (wire.event === "closed") alive[end][wire.connection] = false;
      run(end, wire.connection, { side: sideOf(end, wire.connection), event });
    }
    return { ...ends, log, armed };
  }

  it("end with one session, the same at both ends, in whatever order things arrive", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(1 << 20)), (choices) => {
        const { a, b, log, armed } = play((count) => choices.next().value % count);
        const states = [leading(a).state, leading(b).state];
        assert.deepEqual(states, ["Established", "Established"], log.join("\n"));
        const aSide = leading(a) === a.outgoing ? "a" : "b";
        const bSide = leading(b) === b.outgoing ? "b" : "a";
        assert.equal(aSide, bSide, "both have the connection that the same router opened");
        // What was not chosen rests: no retry may disturb the session later.
        const sides = [aSide === "a" ? "a outgoing" : "a incoming", bSide === "b" ? "b outgoing" : "b incoming"];
        const left = [...armed].filter((timer) => !sides.some((side) => timer.startsWith(side)));
        assert.deepEqual(left, [], log.join("\n"));
      }),
      { numRuns: 3000 },
    );
  });
});
