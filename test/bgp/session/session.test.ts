import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { seconds } from "../../../src/base/index.ts";
import {
  isDelaying,
  type Session,
  type SessionEvent,
  type SessionEventType,
  step,
} from "../../../src/bgp/session/index.ts";
import { notification } from "../../../src/bgp/wire/index.ts";
import { agreementSample, EVENTS, openSample, SESSIONS, SETTINGS, settingsSample, shown } from "./samples.ts";

/** `next state: effect, effect, …` */
function outcome(session: Session, event: SessionEvent, settings = SETTINGS): string {
  const { session: next, effects } = step(session, event, settings);
  return `${next.state}: ${effects.map(shown).join(", ")}`.trim();
}

const CONNECT = "Connect: connect, arm connectRetry ~5";
const OPEN = "OpenSent: disarm connectRetry, sendOpen, arm hold 240";

/** Ends the connection and waits; with what is said to the peer, if anything. */
function drop(cause: SessionEventType, from = "", notify = ""): string {
  return `Idle: ${notify && `notify ${notify}, `}close, disarmAll, ended ${cause}${from}, arm idleHold ~1`;
}
function stop(cause: SessionEventType, from = "", notify = ""): string {
  return `Idle: ${notify && `notify ${notify}, `}close, disarmAll, ended ${cause}${from}`;
}
const dropAll = (cause: SessionEventType, notify = ""): string => drop(cause, "", notify);
const UP = " established";

/** Every pair of state and event. @see RFC 4271 §8.2.2 */
const TABLE: Record<Session["state"], Record<SessionEventType, string>> = {
  Idle: {
    ManualStart: "Connect: disarm idleHold, connect, arm connectRetry ~5",
    ManualStop: "Idle: disarm idleHold",
    AutomaticStart: CONNECT,
    AutomaticStop: "Idle:",
    ConnectRetryTimer_Expires: "Idle:",
    HoldTimer_Expires: "Idle:",
    KeepaliveTimer_Expires: "Idle:",
    DelayOpenTimer_Expires: "Idle:",
    IdleHoldTimer_Expires: CONNECT,
    Tcp_CR_Acked: "Idle: close",
    TcpConnectionConfirmed: "Idle: close",
    TcpConnectionFails: "Idle:",
    BGPOpen: "Idle:",
    BGPHeaderErr: "Idle:",
    BGPOpenMsgErr: "Idle:",
    OpenCollisionDump: "Idle:",
    NotifMsgVerErr: "Idle:",
    NotifMsg: "Idle:",
    KeepAliveMsg: "Idle:",
    UpdateMsg: "Idle:",
    UpdateMsgErr: "Idle:",
    SendHoldTimer_Expires: "Idle:",
    RouteRefreshMsg: "Idle:",
  },
  Connect: {
    ManualStart: "Connect:",
    ManualStop: stop("ManualStop"),
    AutomaticStart: "Connect:",
    AutomaticStop: dropAll("AutomaticStop"),
    ConnectRetryTimer_Expires: "Connect: close, connect, arm connectRetry ~5",
    HoldTimer_Expires: dropAll("HoldTimer_Expires"),
    KeepaliveTimer_Expires: dropAll("KeepaliveTimer_Expires"),
    DelayOpenTimer_Expires: dropAll("DelayOpenTimer_Expires"),
    IdleHoldTimer_Expires: dropAll("IdleHoldTimer_Expires"),
    Tcp_CR_Acked: OPEN,
    TcpConnectionConfirmed: OPEN,
    TcpConnectionFails: "Active: close, arm connectRetry ~5",
    BGPOpen: dropAll("BGPOpen"),
    BGPHeaderErr: dropAll("BGPHeaderErr"),
    BGPOpenMsgErr: dropAll("BGPOpenMsgErr"),
    OpenCollisionDump: stop("OpenCollisionDump"),
    NotifMsgVerErr: dropAll("NotifMsgVerErr"),
    NotifMsg: dropAll("NotifMsg"),
    KeepAliveMsg: dropAll("KeepAliveMsg"),
    UpdateMsg: dropAll("UpdateMsg"),
    UpdateMsgErr: dropAll("UpdateMsgErr"),
    SendHoldTimer_Expires: dropAll("SendHoldTimer_Expires"),
    RouteRefreshMsg: dropAll("RouteRefreshMsg"),
  },
  Active: {
    ManualStart: "Active:",
    ManualStop: stop("ManualStop"),
    AutomaticStart: "Active:",
    AutomaticStop: dropAll("AutomaticStop"),
    ConnectRetryTimer_Expires: CONNECT,
    HoldTimer_Expires: dropAll("HoldTimer_Expires"),
    KeepaliveTimer_Expires: dropAll("KeepaliveTimer_Expires"),
    DelayOpenTimer_Expires: dropAll("DelayOpenTimer_Expires"),
    IdleHoldTimer_Expires: dropAll("IdleHoldTimer_Expires"),
    Tcp_CR_Acked: OPEN,
    TcpConnectionConfirmed: OPEN,
    TcpConnectionFails: dropAll("TcpConnectionFails"),
    BGPOpen: dropAll("BGPOpen"),
    BGPHeaderErr: dropAll("BGPHeaderErr"),
    BGPOpenMsgErr: dropAll("BGPOpenMsgErr"),
    OpenCollisionDump: stop("OpenCollisionDump"),
    NotifMsgVerErr: dropAll("NotifMsgVerErr"),
    NotifMsg: dropAll("NotifMsg"),
    KeepAliveMsg: dropAll("KeepAliveMsg"),
    UpdateMsg: dropAll("UpdateMsg"),
    UpdateMsgErr: dropAll("UpdateMsgErr"),
    SendHoldTimer_Expires: dropAll("SendHoldTimer_Expires"),
    RouteRefreshMsg: dropAll("RouteRefreshMsg"),
  },
  OpenSent: {
    ManualStart: "OpenSent:",
    ManualStop: stop("ManualStop", "", "6/2"),
    AutomaticStart: "OpenSent:",
    AutomaticStop: dropAll("AutomaticStop", "6/1"),
    ConnectRetryTimer_Expires: dropAll("ConnectRetryTimer_Expires", "5/1"),
    HoldTimer_Expires: dropAll("HoldTimer_Expires", "4/0"),
    KeepaliveTimer_Expires: dropAll("KeepaliveTimer_Expires", "5/1"),
    DelayOpenTimer_Expires: dropAll("DelayOpenTimer_Expires", "5/1"),
    IdleHoldTimer_Expires: dropAll("IdleHoldTimer_Expires", "5/1"),
    Tcp_CR_Acked: dropAll("Tcp_CR_Acked", "5/1"),
    TcpConnectionConfirmed: dropAll("TcpConnectionConfirmed", "5/1"),
    TcpConnectionFails: "Active: close, disarmAll, arm connectRetry ~5, ended TcpConnectionFails",
    BGPOpen: "OpenConfirm: sendKeepalive, arm keepalive ~30, arm hold 90",
    BGPHeaderErr: dropAll("BGPHeaderErr", "1/2"),
    BGPOpenMsgErr: dropAll("BGPOpenMsgErr", "2/2"),
    OpenCollisionDump: stop("OpenCollisionDump", "", "6/7"),
    NotifMsgVerErr: dropAll("NotifMsgVerErr"),
    NotifMsg: dropAll("NotifMsg"),
    KeepAliveMsg: dropAll("KeepAliveMsg", "5/1"),
    UpdateMsg: dropAll("UpdateMsg", "5/1"),
    UpdateMsgErr: dropAll("UpdateMsgErr", "5/1"),
    SendHoldTimer_Expires: dropAll("SendHoldTimer_Expires", "5/1"),
    RouteRefreshMsg: dropAll("RouteRefreshMsg", "5/1"),
  },
  OpenConfirm: {
    ManualStart: "OpenConfirm:",
    ManualStop: stop("ManualStop", "", "6/2"),
    AutomaticStart: "OpenConfirm:",
    AutomaticStop: dropAll("AutomaticStop", "6/1"),
    ConnectRetryTimer_Expires: dropAll("ConnectRetryTimer_Expires", "5/2"),
    HoldTimer_Expires: dropAll("HoldTimer_Expires", "4/0"),
    KeepaliveTimer_Expires: "OpenConfirm: sendKeepalive, arm keepalive ~30",
    DelayOpenTimer_Expires: dropAll("DelayOpenTimer_Expires", "5/2"),
    IdleHoldTimer_Expires: dropAll("IdleHoldTimer_Expires", "5/2"),
    Tcp_CR_Acked: dropAll("Tcp_CR_Acked", "5/2"),
    TcpConnectionConfirmed: dropAll("TcpConnectionConfirmed", "5/2"),
    TcpConnectionFails: dropAll("TcpConnectionFails"),
    BGPOpen: dropAll("BGPOpen", "5/2"),
    BGPHeaderErr: dropAll("BGPHeaderErr", "1/2"),
    BGPOpenMsgErr: dropAll("BGPOpenMsgErr", "2/2"),
    OpenCollisionDump: stop("OpenCollisionDump", "", "6/7"),
    NotifMsgVerErr: dropAll("NotifMsgVerErr"),
    NotifMsg: dropAll("NotifMsg"),
    KeepAliveMsg: "Established: arm hold 90, established",
    UpdateMsg: dropAll("UpdateMsg", "5/2"),
    UpdateMsgErr: dropAll("UpdateMsgErr", "5/2"),
    SendHoldTimer_Expires: dropAll("SendHoldTimer_Expires", "5/2"),
    RouteRefreshMsg: dropAll("RouteRefreshMsg", "5/2"),
  },
  Established: {
    ManualStart: "Established:",
    ManualStop: stop("ManualStop", UP, "6/9"),
    AutomaticStart: "Established:",
    AutomaticStop: drop("AutomaticStop", UP, "6/9"),
    ConnectRetryTimer_Expires: drop("ConnectRetryTimer_Expires", UP, "5/3"),
    HoldTimer_Expires: drop("HoldTimer_Expires", UP, "4/0"),
    KeepaliveTimer_Expires: "Established: sendKeepalive, arm keepalive ~30",
    DelayOpenTimer_Expires: drop("DelayOpenTimer_Expires", UP, "5/3"),
    IdleHoldTimer_Expires: drop("IdleHoldTimer_Expires", UP, "5/3"),
    Tcp_CR_Acked: drop("Tcp_CR_Acked", UP, "5/3"),
    TcpConnectionConfirmed: drop("TcpConnectionConfirmed", UP),
    TcpConnectionFails: drop("TcpConnectionFails", UP),
    BGPOpen: drop("BGPOpen", UP, "5/3"),
    BGPHeaderErr: drop("BGPHeaderErr", UP, "1/2"),
    BGPOpenMsgErr: drop("BGPOpenMsgErr", UP, "2/2"),
    OpenCollisionDump: stop("OpenCollisionDump", UP, "6/7"),
    NotifMsgVerErr: drop("NotifMsgVerErr", UP),
    NotifMsg: drop("NotifMsg", UP),
    KeepAliveMsg: "Established: arm hold 90",
    UpdateMsg: "Established: arm hold 90",
    UpdateMsgErr: drop("UpdateMsgErr", UP, "3/1"),
    SendHoldTimer_Expires: drop("SendHoldTimer_Expires", UP),
    RouteRefreshMsg: "Established: refresh",
  },
};

describe("session state machine (RFC 4271 §8.2.2)", () => {
  for (const [state, row] of Object.entries(TABLE) as [Session["state"], Record<SessionEventType, string>][]) {
    for (const [type, want] of Object.entries(row) as [SessionEventType, string][]) {
      it(`${state}, ${type}`, () => assert.equal(outcome(SESSIONS[state], EVENTS[type]), want));
    }
  }

  it("a passive peering only listens", () => {
    const passive = settingsSample({ passive: true });
    assert.equal(outcome(SESSIONS.Idle, EVENTS.ManualStart, passive), "Active: disarm idleHold");
    assert.equal(outcome(SESSIONS.Active, EVENTS.TcpConnectionConfirmed, passive), OPEN);
  });

  it("no timers where one side offers none (RFC 4271 §4.2)", () => {
    const open = { type: "BGPOpen", open: openSample({ holdTime: undefined }) } as const;
    const confirmed = step(SESSIONS.OpenSent, open, SETTINGS);
    assert.deepEqual(confirmed.effects.map(shown), ["sendKeepalive", "disarm hold"]);
    const up = step(confirmed.session, EVENTS.KeepAliveMsg, SETTINGS);
    assert.deepEqual(up.effects.map(shown), ["established"]);
    assert.deepEqual(step(up.session, EVENTS.UpdateMsg, SETTINGS).effects, []);
  });

  it("waits double with every failure, up to the bound; a lost connection is no failure", () => {
    const wait = (failures: number, event: SessionEvent): string =>
      outcome({ ...SESSIONS.Established, failures }, event)
        .split(", ")
        .at(-1)!;
    assert.equal(wait(3, EVENTS.HoldTimer_Expires), "arm idleHold ~8");
    assert.equal(wait(40, EVENTS.HoldTimer_Expires), "arm idleHold ~60");
    assert.equal(step(SESSIONS.Established, EVENTS.NotifMsg, SETTINGS).session.failures, 1);
    assert.equal(step(SESSIONS.Established, EVENTS.TcpConnectionFails, SETTINGS).session.failures, 0);
    assert.equal(step({ ...SESSIONS.Connect, failures: 2 }, EVENTS.TcpConnectionFails, SETTINGS).session.failures, 3);
    assert.equal(
      step({ ...SESSIONS.Established, failures: 5, settled: false }, EVENTS.KeepAliveMsg, SETTINGS).session.failures,
      0,
    );
  });

  it("a hard reset carries what it stands for, only where both ends keep routes over NOTIFICATIONs (RFC 8538 §3)", () => {
    const [said] = step(SESSIONS.Established, EVENTS.ManualStop, SETTINGS).effects;
    assert.deepEqual(said, { type: "sendNotification", notification: notification(6, 9, Uint8Array.of(6, 2)) });
    const plain = { ...SESSIONS.Established, agreed: agreementSample({ gracefulRestart: undefined }) };
    assert.deepEqual(step(plain, EVENTS.ManualStop, SETTINGS).effects[0], {
      type: "sendNotification",
      notification: notification(6, 2),
    });
  });

  it("a stop without a NOTIFICATION just closes, so that the peer keeps our routes (RFC 4724 §4)", () => {
    assert.equal(outcome(SESSIONS.Established, { type: "ManualStop" }), stop("ManualStop", UP));
  });

  it("route refresh for a family that was not agreed is ignored (RFC 2918 §4)", () => {
    const event = { type: "RouteRefreshMsg", family: { afi: 1, safi: 1 } } as const;
    assert.equal(outcome(SESSIONS.Established, event), "Established:");
  });

  it("no sequence of events throws, or leaves Idle with a timer but the idle hold timer", () => {
    const events = fc.array(fc.constantFrom(...Object.values(EVENTS)), { maxLength: 40 });
    fc.assert(
      fc.property(events, fc.boolean(), (sequence, delays) => {
        const settings = delays ? DELAYING : SETTINGS;
        let session: Session = SESSIONS.Idle;
        const armed = new Set<string>();
        for (const event of sequence) {
          const { session: next, effects } = step(session, event, settings);
          for (const effect of effects) {
            if (effect.type === "arm") armed.add(effect.timer);
            else if (effect.type === "disarm") armed.delete(effect.timer);
            else if (effect.type === "disarmAll") armed.clear();
          }
          // A timer that fires is no longer armed.
          if (event.type === "DelayOpenTimer_Expires") armed.delete("delayOpen");
          if (event.type === "IdleHoldTimer_Expires") armed.delete("idleHold");
          session = next;
          if (session.state === "Idle")
            assert.deepEqual(
              [...armed].filter((timer) => timer !== "idleHold"),
              [],
            );
          if (session.state === "Connect") {
            assert.ok(armed.has(isDelaying(session) ? "delayOpen" : "connectRetry"));
            assert.ok(!armed.has("delayOpen") || isDelaying(session));
          }
          if (session.state === "OpenSent" || session.state === "OpenConfirm") assert.ok(armed.has("hold"));
          assert.ok(session.failures >= 0);
        }
      }),
    );
  });
});

const DELAYING = settingsSample({ delayOpen: seconds(3) });
const HALF = {
  Connect: { ...SESSIONS.Connect, delaying: true },
  Active: { ...SESSIONS.Active, delaying: true },
} as const;
const BOTH = "OpenConfirm: disarm delayOpen, sendOpen, sendKeepalive, arm keepalive ~30, arm hold 90";

describe("DelayOpen (RFC 4271 §8.1.1, §8.2.2)", () => {
  const CASES: readonly [string, Session, SessionEvent, string][] = [
    ["16: the OPEN waits", SESSIONS.Connect, EVENTS.Tcp_CR_Acked, "Connect: disarm connectRetry, arm delayOpen 3"],
    [
      "17: of a connection that the peer opened, too",
      SESSIONS.Active,
      EVENTS.TcpConnectionConfirmed,
      "Active: disarm connectRetry, arm delayOpen 3",
    ],
    ["12 in Connect", HALF.Connect, EVENTS.DelayOpenTimer_Expires, "OpenSent: sendOpen, arm hold 240"],
    ["12 in Active", HALF.Active, EVENTS.DelayOpenTimer_Expires, "OpenSent: sendOpen, arm hold 240"],
    ["20 in Connect: both OPENs at once", HALF.Connect, EVENTS.BGPOpen, BOTH],
    ["20 in Active", HALF.Active, EVENTS.BGPOpen, BOTH],
    [
      "18 in Connect: goes on to listen",
      HALF.Connect,
      EVENTS.TcpConnectionFails,
      "Active: close, disarm delayOpen, arm connectRetry ~5",
    ],
    ["18 in Active", HALF.Active, EVENTS.TcpConnectionFails, dropAll("TcpConnectionFails")],
    [
      "9 in Connect",
      HALF.Connect,
      EVENTS.ConnectRetryTimer_Expires,
      "Connect: close, disarm delayOpen, connect, arm connectRetry ~5",
    ],
    [
      "9 in Active: what was to be said on the peer's connection goes with it",
      HALF.Active,
      EVENTS.ConnectRetryTimer_Expires,
      "Connect: close, disarm delayOpen, connect, arm connectRetry ~5",
    ],
    ["21: nothing is said before an OPEN", HALF.Connect, EVENTS.BGPHeaderErr, dropAll("BGPHeaderErr")],
    ["2", HALF.Active, EVENTS.ManualStop, stop("ManualStop")],
  ];
  for (const [name, session, event, want] of CASES) {
    it(name, () => assert.equal(outcome(session, event, DELAYING), want));
  }

  it("24: another version, said while the OPEN is delayed, is no failure", () => {
    assert.equal(step(HALF.Connect, EVENTS.NotifMsgVerErr, DELAYING).session.failures, 0);
    assert.equal(step(SESSIONS.Connect, EVENTS.NotifMsgVerErr, DELAYING).session.failures, 1);
  });

  it("an OPEN that is not accepted is answered with an OPEN and the reason", () => {
    const event: SessionEvent = { type: "BGPOpen", open: openSample({ localAs: 65001 }) };
    const want = `Idle: disarm delayOpen, sendOpen, ${drop("BGPOpen", "", "2/2").slice("Idle: ".length)}`;
    assert.equal(outcome(HALF.Connect, event, DELAYING), want);
  });
});

const REFUSED = [
  { name: "another AS", see: "RFC 4271 §6.2", open: openSample({ localAs: 65001 }), ours: {}, want: "2/2" },
  {
    name: "our own identifier inside the AS",
    see: "RFC 6286 §2.2",
    open: openSample({ bgpIdentifier: SETTINGS.bgpIdentifier }),
    ours: {},
    want: "2/3",
  },
  {
    name: "hold time below our minimum",
    see: "RFC 4271 §6.2",
    open: openSample({ holdTime: seconds(9) }),
    ours: { minimumHoldTime: seconds(10) },
    want: "2/6",
  },
  {
    name: "no timers below our minimum",
    see: "RFC 4271 §6.2",
    open: openSample({ holdTime: undefined }),
    ours: { minimumHoldTime: seconds(10) },
    want: "2/6",
  },
  {
    name: "a required family is missing",
    see: "RFC 5492 §3",
    open: openSample({ families: [] }),
    ours: { requireFamily: true },
    want: "2/7",
  },
];

describe("open checks", () => {
  for (const { name, see, open, ours, want } of REFUSED) {
    it(`${name} (${see})`, () => {
      const settings = settingsSample(ours);
      assert.equal(outcome(SESSIONS.OpenSent, { type: "BGPOpen", open }, settings), dropAll("BGPOpen", want));
    });
  }

  it("a peer without our family gets a session without routes", () => {
    assert.deepEqual(agreementSample({ families: [] }).families, []);
    assert.deepEqual(agreementSample({ families: [{ afi: 1, safi: 1 }] }).families, []);
  });

  it("an external peer may have our identifier (RFC 6286 §2.1)", () => {
    const agreed = agreementSample({ localAs: 65001, bgpIdentifier: SETTINGS.bgpIdentifier }, { remoteAs: 65001 });
    assert.equal(agreed.kind, "external");
  });

  it("the smaller hold time counts; 4-octet AS numbers and graceful restart need both sides", () => {
    assert.equal(agreementSample({ holdTime: seconds(30) }).holdTime, 30);
    assert.equal(agreementSample({ holdTime: seconds(300) }).holdTime, 90);
    assert.equal(agreementSample().keepaliveTime, 30);
    assert.equal(agreementSample({}, { keepaliveTime: seconds(10) }).keepaliveTime, 10);
    assert.equal(agreementSample({ holdTime: seconds(9) }, { keepaliveTime: seconds(10) }).keepaliveTime, 3);
    assert.equal(agreementSample().asWidth, 4);
    assert.equal(agreementSample().gracefulRestart?.notification, true);
    assert.equal(agreementSample({ gracefulRestart: undefined }).gracefulRestart, undefined);
    assert.equal(agreementSample({}, { gracefulRestart: undefined }).gracefulRestart, undefined);
  });
});
