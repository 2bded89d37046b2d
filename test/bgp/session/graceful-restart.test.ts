import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import {
  type Agreement,
  type Helper,
  type HelperEffect,
  type HelperEvent,
  NO_DEFERRAL,
  NO_HELPER,
  ownOpen,
  retainedFamilies,
  startDeferral,
  stepDeferral,
  stepHelper,
} from "../../../src/bgp/session/index.ts";
import { notification } from "../../../src/bgp/wire/index.ts";
import { agreementSample, FAMILY, settingsSample } from "./samples.ts";

const restart = { restartTime: seconds(120), restarting: false, forwardingPreserved: true, keepOverNotification: true };
const agreed = agreementSample();
const back = agreementSample({ gracefulRestart: { ...restart, restarting: true } });
const withoutF = agreementSample({ gracefulRestart: { ...restart, forwardingPreserved: false } });
const plain = agreementSample({ gracefulRestart: undefined });

const lossOf = (agreement: Agreement): HelperEvent => ({
  type: "lost",
  agreed: agreement,
  end: { cause: "TcpConnectionFails" },
});

function shown(effect: HelperEffect): string {
  if (effect.type === "arm") return `arm ${effect.timer} ${effect.delay}`;
  return effect.type === "disarm" ? `disarm ${effect.timer}` : effect.type;
}

function run(helper: Helper, ...events: HelperEvent[]): string[] {
  const seen: string[] = [];
  let now = helper;
  for (const event of events) {
    const { helper: next, effects } = stepHelper(now, event, seconds(360));
    seen.push(`${next.state}: ${effects.map(shown).join(", ")}`.trim());
    now = next;
  }
  return seen;
}

const endOfRib: HelperEvent = { type: "endOfRib", family: FAMILY };
const LOST = "retaining: markStale, arm restart 120";

describe("graceful restart, helper (RFC 4724 §4.2)", () => {
  it("connection lost, peer back with F, End-of-RIB", () => {
    assert.deepEqual(run(NO_HELPER, lossOf(agreed), { type: "established", agreed: back }, endOfRib), [
      LOST,
      "awaiting: disarm restart, arm stalePath 360",
      "none: deleteStale, disarm stalePath",
    ]);
  });

  it("back without F, without the family, without the capability: stale routes go at once", () => {
    const noFamily = agreementSample({ families: [] });
    for (const agreement of [withoutF, noFamily, plain]) {
      assert.deepEqual(run(NO_HELPER, lossOf(agreed), { type: "established", agreed: agreement }), [
        LOST,
        "none: disarm restart, deleteStale",
      ]);
    }
  });

  it("never back: stale routes go when the restart timer ends", () => {
    assert.deepEqual(run(NO_HELPER, lossOf(agreed), { type: "RestartTimer_Expires" }), [LOST, "none: deleteStale"]);
  });

  it("back, but no End-of-RIB: stale routes go when the stale path timer ends", () => {
    const seen = run(
      NO_HELPER,
      lossOf(agreed),
      { type: "established", agreed: back },
      { type: "StalePathTimer_Expires" },
    );
    assert.equal(seen[2], "none: deleteStale");
  });

  it("lost again before End-of-RIB: what was stale goes, the rest becomes stale", () => {
    const plainly = (agreement: Agreement): Agreement => ({
      ...agreement,
      gracefulRestart: { ...agreement.gracefulRestart!, notification: false },
    });
    const seen = run(
      NO_HELPER,
      lossOf(plainly(agreed)),
      { type: "established", agreed: plainly(back) },
      lossOf(plainly(back)),
    );
    assert.equal(seen[2], "retaining: disarm stalePath, deleteStale, markStale, arm restart 120");
  });

  it("lost again before End-of-RIB, with N on both sides: it stays, no longer than it would have (RFC 8538 §4)", () => {
    const again = [lossOf(agreed), { type: "established", agreed: back } as const, lossOf(back)];
    const kept = [LOST, "awaiting: disarm restart, arm stalePath 360", "retaining: markStale, arm restart 120"];
    const established = { type: "established", agreed: back } as const;
    const rest = (...events: HelperEvent[]): readonly string[] => {
      const seen = run(NO_HELPER, ...again, ...events);
      assert.deepEqual(seen.slice(0, 3), kept);
      return seen.slice(3);
    };
    assert.deepEqual(rest(established, endOfRib), ["awaiting: disarm restart", "none: deleteStale, disarm stalePath"]);
    assert.deepEqual(rest(established, lossOf(back), established, { type: "StalePathTimer_Expires" }), [
      ...["awaiting: disarm restart", "retaining: markStale, arm restart 120", "awaiting: disarm restart"],
      "none: deleteStale",
    ]);
    assert.deepEqual(rest({ type: "StalePathTimer_Expires" }), ["none: disarm restart, deleteStale"]);
    assert.deepEqual(rest({ type: "RestartTimer_Expires" }), ["none: disarm stalePath, deleteStale"]);
    assert.deepEqual(rest({ type: "stopped" }), ["none: disarm restart, disarm stalePath, deleteStale"]);
    assert.deepEqual(rest({ type: "established", agreed: withoutF }), [
      "none: disarm restart, deleteStale, disarm stalePath",
    ]);
  });

  it("a peer without the capability leaves nothing", () => {
    assert.deepEqual(run(NO_HELPER, lossOf(plain)), ["none: deleteAll"]);
  });

  it("stopped while waiting", () => {
    assert.deepEqual(run(NO_HELPER, lossOf(agreed), { type: "stopped" }), [LOST, "none: disarm restart, deleteStale"]);
    assert.deepEqual(run(NO_HELPER, { type: "stopped" }), ["none:"]);
  });

  it("End-of-RIB and timers of nothing are nothing", () => {
    assert.deepEqual(run(NO_HELPER, endOfRib, { type: "RestartTimer_Expires" }, { type: "StalePathTimer_Expires" }), [
      "none:",
      "none:",
      "none:",
    ]);
  });
});

describe("which end keeps routes", () => {
  const old: Agreement = { ...agreed, gracefulRestart: { ...agreed.gracefulRestart!, notification: false } };
  const kept = (agreement: Agreement, end: Parameters<typeof retainedFamilies>[1]): number =>
    retainedFamilies(agreement, end).length;

  it("RFC 4724 §4.2: a NOTIFICATION in either direction ends it", () => {
    assert.equal(kept(old, { cause: "TcpConnectionFails" }), 1);
    assert.equal(kept(old, { cause: "HoldTimer_Expires", sent: notification(4) }), 0);
    assert.equal(kept(old, { cause: "NotifMsg", received: notification(6, 4) }), 0);
  });

  it("RFC 8538 §4: with N on both sides only a hard reset does", () => {
    assert.equal(kept(agreed, { cause: "HoldTimer_Expires", sent: notification(4) }), 1);
    assert.equal(kept(agreed, { cause: "NotifMsg", received: notification(6, 4) }), 1);
    assert.equal(kept(agreed, { cause: "NotifMsg", received: notification(6, 9, Uint8Array.of(6, 2)) }), 0);
    assert.equal(kept(agreed, { cause: "AutomaticStop", sent: notification(6, 9) }), 0);
  });

  it("a peer that was stopped here leaves nothing", () => {
    assert.equal(kept(agreed, { cause: "ManualStop" }), 0);
  });
});

describe("graceful restart, restarting side (RFC 4724 §4.1)", () => {
  it("R and F are what the daemon says", () => {
    const own = { restartTime: seconds(60), restarting: true, forwardingPreserved: false, keepOverNotification: true };
    const { gracefulRestart } = ownOpen(settingsSample({ gracefulRestart: own })).capabilities;
    assert.deepEqual(gracefulRestart, {
      restarted: true,
      notification: true,
      restartTime: seconds(60),
      families: [{ family: FAMILY, forwardingPreserved: false }],
    });
  });

  it("waits for the End-of-RIB of every peer that will say it", () => {
    let deferral = startDeferral(["a", "b", "c", "d"]);
    deferral = stepDeferral(deferral, { type: "established", peer: "a", agreed, forwarded: true });
    assert.deepEqual(deferral.waiting, ["a", "b", "c", "d"]);
    deferral = stepDeferral(deferral, { type: "established", peer: "b", agreed: back, forwarded: true });
    assert.deepEqual(deferral.waiting, ["a", "c", "d"], "b is restarting itself");
    deferral = stepDeferral(deferral, { type: "established", peer: "c", agreed: plain, forwarded: true });
    assert.deepEqual(deferral.waiting, ["a", "d"], "c will never say it");
    deferral = stepDeferral(deferral, { type: "removed", peer: "d" });
    deferral = stepDeferral(deferral, { type: "endOfRib", peer: "a" });
    assert.equal(deferral.state, "done");
  });

  it("waits for those that restart as well, and for those that never say it, before it takes away what leads to them", () => {
    let deferral = startDeferral(["a", "b", "c", "d"]);
    for (const [peer, agreement, forwarded] of [
      ["a", agreed, true],
      ["b", back, true],
      ["c", plain, true],
      ["d", plain, false],
    ] as const)
      deferral = stepDeferral(deferral, { type: "established", peer, agreed: agreement, forwarded }, "awaited");
    assert.deepEqual(deferral.waiting, ["a", "b", "c"], "no packets go where d says");
    deferral = stepDeferral(deferral, { type: "endOfRib", peer: "a" }, "awaited");
    deferral = stepDeferral(deferral, { type: "endOfRib", peer: "b" }, "awaited");
    assert.deepEqual(deferral.waiting, ["c"], "it will never say it");
    deferral = stepDeferral(deferral, { type: "silent", peer: "c" }, "awaited");
    assert.equal(deferral.state, "done");
  });

  it("waits no longer than the timer, and for nobody where there is nobody", () => {
    assert.equal(stepDeferral(startDeferral(["a"]), { type: "SelectionDeferralTimer_Expires" }), NO_DEFERRAL);
    assert.equal(startDeferral([]), NO_DEFERRAL);
    assert.equal(stepDeferral(NO_DEFERRAL, { type: "established", peer: "a", agreed, forwarded: true }), NO_DEFERRAL);
  });
});

it("a router that does not ask for it says no N, and an expired hold timer ends the routes (RFC 8538 §4)", () => {
  const ours = { gracefulRestart: { ...restart, keepOverNotification: false } };
  assert.equal(ownOpen(settingsSample(ours)).capabilities.gracefulRestart?.notification, false);
  const end = { cause: "HoldTimer_Expires", sent: notification(4) } as const;
  assert.deepEqual(retainedFamilies(agreementSample({}, ours), end), []);
  assert.deepEqual(retainedFamilies(agreed, end), [FAMILY]);
});
