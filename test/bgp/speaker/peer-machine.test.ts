import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import type { PeeringEffect, SessionSettings } from "../../../src/bgp/session/index.ts";
import { PeerMachine } from "../../../src/bgp/speaker/peer-machine.ts";
import { EVENTS, openSample, settingsSample, shown } from "../session/samples.ts";

/** A machine, with what its host was told, in order. */
function machine(settings: Partial<SessionSettings> = {}, brings: (effect: PeeringEffect) => void = () => {}) {
  const told: string[] = [];
  const current = { settings: settingsSample(settings) };
  const run: PeerMachine = new PeerMachine({
    settings: () => current.settings,
    perform: (effect) => {
      told.push(shown(effect));
      brings(effect);
    },
    changed: (before, after) => void told.push(`${before} -> ${after}`),
    settled: () => void told.push(`settled in ${run.session.state}`),
  });
  /** What it tells of what is done. */
  const of = (act: () => void): string[] => {
    told.length = 0;
    act();
    return [...told];
  };
  return { run, of, current };
}

const OPENED = ["outgoing: disarm connectRetry", "outgoing: sendOpen", "outgoing: arm hold 240"];

describe("the state machines of a neighbour", () => {
  it("carry out the effects of an input, then say the new state, then that nothing is left", () => {
    const { run, of } = machine();
    assert.deepEqual(
      of(() => run.event("outgoing", EVENTS.ManualStart)),
      [
        ...["outgoing: disarm idleHold", "outgoing: connect", "outgoing: arm connectRetry ~5"],
        ...["Idle -> Connect", "settled in Connect"],
      ],
    );
    assert.deepEqual(of(() => run.event("outgoing", EVENTS.KeepaliveTimer_Expires)).at(-1), "settled in Idle");
  });

  it("what an effect brings about comes after all effects of its step", () => {
    const { run, of } = machine({}, (effect) => {
      if (effect.type === "connect") run.event("outgoing", EVENTS.Tcp_CR_Acked);
    });
    assert.deepEqual(
      of(() => run.event("outgoing", EVENTS.ManualStart)),
      [
        ...["outgoing: disarm idleHold", "outgoing: connect", "outgoing: arm connectRetry ~5", "Idle -> Connect"],
        ...[...OPENED, "Connect -> OpenSent", "settled in OpenSent"],
      ],
    );
  });

  it("what is asked for when nothing is left is an input of its own", () => {
    const left: string[] = [];
    const run: PeerMachine = new PeerMachine({
      settings: () => settingsSample(),
      perform: () => {},
      changed: (before, after) => void left.push(`${before} -> ${after}`),
      settled: () => {
        if (run.session.state === "Connect") run.event("outgoing", EVENTS.ManualStop);
        left.push(`settled in ${run.session.state}`);
      },
    });
    run.event("outgoing", EVENTS.ManualStart);
    assert.deepEqual(left, ["Idle -> Connect", "Connect -> Idle", "settled in Idle", "settled in Idle"]);
  });

  it("an effect that cannot be carried out is told to who gave the input, and the next input is taken", () => {
    let fails = true;
    const { run, of } = machine({}, () => {
      if (fails) throw new Error("ENOMEM");
    });
    assert.throws(() => run.event("outgoing", EVENTS.ManualStart), /ENOMEM/);
    fails = false;
    assert.deepEqual(
      of(() => run.event("outgoing", EVENTS.Tcp_CR_Acked)),
      [...OPENED, "Connect -> OpenSent", "settled in OpenSent"],
    );
  });

  it("each input meets the settings of its time", () => {
    const { run, of, current } = machine();
    run.event("outgoing", EVENTS.ManualStart);
    current.settings = settingsSample({ delayOpen: seconds(7) });
    assert.ok(of(() => run.event("outgoing", EVENTS.Tcp_CR_Acked)).includes("outgoing: arm delayOpen 7"));
  });

  it("says of the connection that got further where it stands", () => {
    const { run } = machine();
    const stands = () => [run.side, run.session.state, run.isWaiting, run.isConnected];
    assert.deepEqual(stands(), ["outgoing", "Idle", true, false]);
    run.event("outgoing", EVENTS.ManualStart);
    assert.deepEqual(stands(), ["outgoing", "Connect", true, false]);
    run.accepted();
    assert.deepEqual(stands(), ["incoming", "OpenSent", false, true]);
    run.event("incoming", { type: "BGPOpen", open: openSample() });
    assert.deepEqual(stands(), ["incoming", "OpenConfirm", false, true]);
  });

  it("a connection on which this router waits for the neighbour to begin is one", () => {
    const { run } = machine({ delayOpen: seconds(7) });
    run.event("outgoing", EVENTS.ManualStart);
    run.event("outgoing", EVENTS.Tcp_CR_Acked);
    assert.deepEqual([run.session.state, run.isWaiting, run.isConnected], ["Connect", true, true]);
  });
});
