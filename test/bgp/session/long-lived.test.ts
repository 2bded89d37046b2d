import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Reader, seconds, toHex } from "../../../src/base/index.ts";
import {
  type Agreement,
  type Helper,
  type HelperEffect,
  type HelperEvent,
  helperTimeout,
  longLivedTimer,
  NO_HELPER,
  type OwnRestart,
  ownOpen,
  stepHelper,
} from "../../../src/bgp/session/index.ts";
import { decodeOpen, encodeCapabilities, IPV6_UNICAST } from "../../../src/bgp/wire/index.ts";
import { octets } from "../wire/samples.ts";
import { agreementSample, FAMILY, settingsSample } from "./samples.ts";

const restart: OwnRestart = {
  restartTime: seconds(120),
  restarting: false,
  forwardingPreserved: true,
  longLivedStaleTime: seconds(3600),
};
const both = (theirs: Partial<OwnRestart> = {}, ours: Partial<OwnRestart> = {}): Agreement =>
  agreementSample({ gracefulRestart: { ...restart, ...theirs } }, { gracefulRestart: { ...restart, ...ours } });

const lossOf = (agreed: Agreement): HelperEvent => ({ type: "lost", agreed, end: { cause: "TcpConnectionFails" } });
const OVER: HelperEvent = { type: "RestartTimer_Expires" };
const TIMER = longLivedTimer(FAMILY);

function shown(effect: HelperEffect): string {
  if (effect.type === "arm") return `arm ${effect.timer} ${effect.delay}`;
  return effect.type === "disarm" ? `disarm ${effect.timer}` : effect.type;
}

function run(...events: HelperEvent[]): string[] {
  const seen: string[] = [];
  let now: Helper = NO_HELPER;
  for (const event of events) {
    const { helper, effects } = stepHelper(now, event, seconds(360));
    seen.push(`${helper.state}: ${effects.map(shown).join(", ")}`.trim());
    now = helper;
  }
  return seen;
}

const LOST = "retaining: markStale, arm restart 120";
const LONGER = `long-lived: markLongLived, arm ${TIMER} 3600`;

describe("long-lived graceful restart (RFC 9494)", () => {
  it("the capability: AFI, SAFI, F, 24 bits of seconds (§3)", () => {
    const longLived = [{ family: FAMILY, forwardingPreserved: true, staleTime: seconds(0x012345) }];
    const wire = encodeCapabilities({ families: [], routeRefresh: false, unknown: [], longLived });
    assert.equal(toHex(wire), "47070002fb80012345");
    const open = decodeOpen(new Reader(octets(`04 fde8 005a c0000201 0b 02 09 ${toHex(wire)}`)));
    assert.deepEqual(open.ok && open.value.capabilities.longLived, longLived);
    const cut = decodeOpen.bind(undefined, new Reader(octets("04 fde8 005a c0000201 0a 02 08 47060002fb800123")));
    assert.throws(cut, /./, "a cut entry is a short read");
  });

  it("is agreed on where both offer it, together with graceful restart (§4.1)", () => {
    assert.deepEqual(both().longLived, [{ family: FAMILY, forwardingPreserved: true, staleTime: 3600 }]);
    const without = { longLivedStaleTime: undefined } as never;
    assert.equal(both(without).longLived, undefined);
    assert.equal(both({}, without).longLived, undefined);
    const settings = settingsSample({ gracefulRestart: undefined });
    assert.equal(ownOpen(settings).capabilities.longLived, undefined);
  });

  it("after the restart time the routes become the last resort, and end with their own time (§4.2)", () => {
    assert.deepEqual(run(lossOf(both()), OVER, helperTimeout(TIMER), helperTimeout(TIMER)), [
      LOST,
      LONGER,
      "none: deleteStale",
      "none:",
    ]);
    assert.deepEqual(helperTimeout(TIMER), { type: "LongLivedTimer_Expires", family: FAMILY });
  });

  it("without a restart time it begins at once; a time of 0 is none", () => {
    assert.deepEqual(run(lossOf(both({ restartTime: seconds(0) }))), [
      `long-lived: markStale, markLongLived, arm ${TIMER} 3600`,
    ]);
    assert.deepEqual(run(lossOf(both({ longLivedStaleTime: seconds(0) })), OVER), [LOST, "none: deleteStale"]);
  });

  it("a family has its own time, or is left out; without graceful restart there is none (§4.1)", () => {
    const two = { families: [FAMILY, IPV6_UNICAST], restartFamilies: [FAMILY, IPV6_UNICAST] };
    const offered = (changes: object): unknown =>
      ownOpen(settingsSample({ ...two, gracefulRestart: restart, ...changes })).capabilities.longLived?.map(
        ({ family, staleTime }) => [family.safi, staleTime],
      );
    const [special, none] = [[600, 0].map((time) => ({ family: FAMILY, staleTime: seconds(time) }))].flat();
    assert.deepEqual(offered({}), [
      [251, 3600],
      [1, 3600],
    ]);
    assert.deepEqual(offered({ longLivedTimes: [special] }), [
      [251, 600],
      [1, 3600],
    ]);
    assert.deepEqual(offered({ longLivedTimes: [none] }), [[1, 3600]]);
    const { longLivedStaleTime: _, ...short } = restart;
    assert.deepEqual(offered({ gracefulRestart: short, longLivedTimes: [special] }), [[251, 600]]);
    assert.deepEqual(offered({ gracefulRestart: undefined, longLivedTimes: [special] }), undefined);
  });

  it("the peer is back: with F its routes wait for End-of-RIB, without they go", () => {
    assert.deepEqual(
      run(lossOf(both()), OVER, { type: "established", agreed: both() }, { type: "endOfRib", family: FAMILY }),
      [LOST, LONGER, "awaiting: arm stalePath 360", `none: disarm ${TIMER}, deleteStale, disarm stalePath`],
    );
    const withoutF = both({ forwardingPreserved: false });
    assert.deepEqual(run(lossOf(both()), OVER, { type: "established", agreed: withoutF }), [
      LOST,
      LONGER,
      `none: disarm ${TIMER}, deleteStale`,
    ]);
  });

  it("the timer runs on while the peer says its routes again, and ends what it has not said (§4.2)", () => {
    const seen = run(lossOf(both()), OVER, { type: "established", agreed: both() }, helperTimeout(TIMER));
    assert.deepEqual(seen.slice(2), ["awaiting: arm stalePath 360", "none: deleteStale, disarm stalePath"]);
    const never: HelperEvent = { type: "StalePathTimer_Expires" };
    const silent = run(lossOf(both()), OVER, { type: "established", agreed: both() }, never);
    assert.equal(silent[3], `none: disarm ${TIMER}, deleteStale`);
  });

  it("lost again before End-of-RIB: what was stale stays for its time, which is not set anew (§4.2)", () => {
    const again = [lossOf(both()), OVER, { type: "established", agreed: both() }, lossOf(both())] as const;
    const held = "retaining: disarm stalePath, markStale, arm restart 120";
    assert.deepEqual(run(...again, OVER, helperTimeout(TIMER)).slice(3), [
      held,
      "long-lived: markLongLived",
      "none: deleteStale",
    ]);
    // Its time ends before the restart time of the second loss does.
    assert.deepEqual(run(...again, helperTimeout(TIMER), OVER).slice(3), [
      held,
      "none: deleteStale, disarm restart",
      "none:",
    ]);
    assert.deepEqual(run(...again, { type: "stopped" })[4], `none: disarm restart, disarm ${TIMER}, deleteStale`);
    const back = run(...again, { type: "established", agreed: both() }, { type: "endOfRib", family: FAMILY });
    assert.deepEqual(back.slice(4), [
      "awaiting: disarm restart, arm stalePath 360",
      `none: disarm ${TIMER}, deleteStale, disarm stalePath`,
    ]);
  });

  it("lost again and not to be kept: all goes, and the timer with it", () => {
    const hard: HelperEvent = {
      type: "lost",
      agreed: both(),
      end: { cause: "NotifMsg", received: { code: 6, subcode: 9, data: Uint8Array.of(6, 2) } },
    };
    const seen = run(lossOf(both()), OVER, { type: "established", agreed: both() }, hard);
    assert.equal(seen[3], `none: disarm stalePath, disarm ${TIMER}, deleteStale, deleteAll`);
  });

  it("beyond the restart time the F bit of its own capability counts, and it has to be there (§4.2)", () => {
    const agreed = both();
    const f = (preserved: boolean) => [{ family: FAMILY, forwardingPreserved: preserved }];
    const peer = { ...agreed.gracefulRestart!.peer, families: f(true) };
    const without = { ...agreed, gracefulRestart: { ...agreed.gracefulRestart!, peer }, longLived: [] };
    const cleared = { ...without, longLived: [{ ...agreed.longLived![0]!, forwardingPreserved: false }] };
    for (const back of [without, cleared]) {
      const seen = run(lossOf(both()), OVER, { type: "established", agreed: back });
      assert.equal(seen[2], `none: disarm ${TIMER}, deleteStale`);
      // Before its end, that of graceful restart.
      assert.equal(
        run(lossOf(both()), { type: "established", agreed: back })[1],
        "awaiting: disarm restart, arm stalePath 360",
      );
    }
    const other = { ...agreed, gracefulRestart: { ...agreed.gracefulRestart!, peer: { ...peer, families: f(false) } } };
    assert.equal(run(lossOf(both()), OVER, { type: "established", agreed: other })[2], "awaiting: arm stalePath 360");
  });

  it("given up meanwhile: everything goes, no timer is left", () => {
    assert.deepEqual(run(lossOf(both()), OVER, { type: "stopped" })[2], `none: disarm ${TIMER}, deleteStale`);
  });

  it("families have their own ends", () => {
    const two = { families: [FAMILY, IPV6_UNICAST], restartFamilies: [FAMILY, IPV6_UNICAST], gracefulRestart: restart };
    const agreed = agreementSample(two, two);
    assert.deepEqual(
      run(lossOf(agreed), OVER, helperTimeout(TIMER), helperTimeout(longLivedTimer(IPV6_UNICAST))).slice(1),
      [
        `long-lived: markLongLived, arm ${TIMER} 3600, markLongLived, arm longLived 2/1 3600`,
        "long-lived: deleteStale",
        "none: deleteStale",
      ],
    );
  });

  it("a session that was ended on purpose keeps nothing (RFC 4724 §4.2; RFC 8538 §4)", () => {
    const end = { cause: "NotifMsg", received: { code: 6, subcode: 2, data: new Uint8Array(0) } } as const;
    assert.deepEqual(run({ type: "lost", agreed: both(), end }), ["none: deleteAll"]);
  });
});
