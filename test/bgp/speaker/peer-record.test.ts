import assert from "node:assert/strict";
import { it } from "node:test";
import { milliseconds, momentOf, seconds } from "../../../src/base/index.ts";
import { peerCounters } from "../../../src/bgp/speaker/metrics.ts";
import { PeerRecord } from "../../../src/bgp/speaker/peer-record.ts";
import { notification, type OpenMessage } from "../../../src/bgp/wire/index.ts";
import { peerRow } from "../../../src/daemon/peer-rows.ts";
import { TallyMetrics } from "../../sim/tally-metrics.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";

const moment = (at: number) => ({ wall: milliseconds(at), monotonic: milliseconds(at) });

const statusOf = (record: PeerRecord) =>
  record.status({
    options: {
      address: "::1",
      port: 179,
      remoteAs: 1,
      passive: false,
      holdTime: undefined,
      connectRetry: 1 as never,
    },
    kind: "external",
    session: { state: "Idle", failures: 0 },
    side: "outgoing",
    timers: {},
    connection: undefined,
    helper: { state: "none" },
    outlived: undefined,
    keptYet: () => undefined,
    familiesDisabled: [],
    routesReceived: () => 0,
    routesKept: () => undefined,
    outputs: new Map(),
    wireFamily: () => ({ afi: 2, safi: 251 }),
  });

it("how long a state lasts and how long ago something was said is not changed by steps of the wall clock", () => {
  const clock = new VirtualClock();
  const record = new PeerRecord(peerCounters(new TallyMetrics(), "::1"), momentOf(clock));
  const shown = () => {
    const { stateAgeSeconds, lastNotification } = peerRow(statusOf(record), clock);
    return [stateAgeSeconds, lastNotification?.received?.ageSeconds];
  };
  clock.advance(5_000);
  record.changed(momentOf(clock));
  record.ends.ended({ cause: "NotifMsg", received: notification(6, 5) }, momentOf(clock), undefined);
  for (const step of [3_600_000, -7_200_000]) {
    clock.stepWall(step);
    clock.advance(1_000);
  }
  assert.deepEqual(shown(), [2, 2]);
});

const open = (own: Partial<OpenMessage>): OpenMessage => ({
  ...{ autonomousSystem: 65_001, holdTime: seconds(90), bgpIdentifier: 0x0a000001 },
  capabilities: { families: [], routeRefresh: true, unknown: [] },
  ...own,
});

it("an OPEN that is not taken is shown with what it offered (RFC 4271 §6.2, RFC 9234 §4.2)", () => {
  const role = (...roles: number[]) => ({ capabilities: { ...open({}).capabilities, roles } });
  for (const [subcode, own, text] of [
    [2, {}, "bad peer AS, it is 65001"],
    [3, {}, "bad BGP identifier, it is 10.0.0.1 as here"],
    [6, { holdTime: seconds(3) }, "unacceptable hold time, it offers 3s"],
    [6, { holdTime: undefined }, "unacceptable hold time, it offers no timers"],
    [7, {}, "unsupported capability"],
    [11, {}, "role mismatch, it says none"],
    [11, role(4), "role mismatch, it is peer"],
    [11, role(3, 9), "role mismatch, it is customer and role 9"],
  ] as const) {
    const record = new PeerRecord(peerCounters(new TallyMetrics(), "::1"), moment(0));
    record.ends.opened(open(own));
    record.ends.ended({ cause: "BGPOpen", sent: notification(2, subcode) }, moment(1), undefined);
    assert.equal(statusOf(record).lastError?.text, `OPEN error: ${text}`);
    // The next one could not be read.
    record.ends.ended({ cause: "BGPOpenMsgErr", sent: notification(2, subcode) }, moment(2), undefined);
    assert.equal(statusOf(record).lastError?.text, `OPEN error: ${text.split(",")[0]}`);
  }
});

it("an attempt that failed is the last error until a session is there, then what ended the session before", () => {
  const record = new PeerRecord(peerCounters(new TallyMetrics(), "::1"), moment(0));
  const lastError = () => statusOf(record).lastError?.text;

  assert.equal(lastError(), undefined);
  record.ends.failed("ECONNREFUSED", moment(1));
  assert.equal(lastError(), "cannot connect: ECONNREFUSED");
  record.established();
  assert.equal(lastError(), undefined);

  record.ends.lost("closed by the peer");
  record.ends.ended({ cause: "TcpConnectionFails" }, moment(2), undefined);
  assert.equal(lastError(), "connection lost: closed by the peer");
  record.ends.failed("EHOSTUNREACH", moment(3));
  assert.equal(lastError(), "cannot connect: EHOSTUNREACH");
  record.established();
  assert.equal(lastError(), "connection lost: closed by the peer");

  // What a neighbour said is not forgotten since it hangs up on the attempts after it.
  record.ends.opened(open({}));
  record.ends.ended({ cause: "BGPOpen", sent: notification(2, 2) }, moment(4), undefined);
  record.ends.ended({ cause: "TcpConnectionFails" }, moment(5), undefined);
  assert.equal(lastError(), "OPEN error: bad peer AS, it is 65001");
  record.ends.failed("ECONNREFUSED", moment(6));
  assert.equal(lastError(), "cannot connect: ECONNREFUSED");
  record.ends.ended({ cause: "NotifMsg", received: notification(6, 5) }, moment(7), undefined);
  assert.equal(lastError(), "cease: connection rejected");
});
