import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { momentOf, seconds } from "../../../src/base/index.ts";
import type { Connection, HopLimits, PeerOptions, TcpProtection, Transport } from "../../../src/bgp/speaker/index.ts";
import { peerCounters } from "../../../src/bgp/speaker/metrics.ts";
import { PeerLinks } from "../../../src/bgp/speaker/peer-links.ts";
import { PeerRecord } from "../../../src/bgp/speaker/peer-record.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { TallyMetrics } from "../../sim/tally-metrics.ts";
import { VirtualClock } from "../../sim/virtual-clock.ts";
import { RecordedLog } from "./router.ts";

const OPTIONS: PeerOptions = {
  ...{ address: "2001:db8::b", port: 179, remoteAs: 65001, passive: false },
  ...{ holdTime: seconds(90), connectRetry: seconds(5), password: "old" },
};

/** One attempt to connect that succeeds when the test says so. */
function attempt({ fails = false } = {}) {
  const clock = new VirtualClock(0);
  const events: string[] = [];
  const done: string[] = [];
  let finish: ((result: Connection | Error) => void) | undefined;
  const connection: Connection = {
    local: { address: "2001:db8::a", port: 1 },
    remote: { address: OPTIONS.address, port: 179 },
    protect({ password }: TcpProtection) {
      if (fails) throw new Error("ENOMEM");
      done.push(`signed with ${password}`);
    },
    limitHops: (limits: HopLimits) => void done.push(`hops ${JSON.stringify(limits)}`),
    start: () => void done.push("started"),
    write: () => {},
    queued: 0,
    pause: () => {},
    resume: () => {},
    close: async () => void done.push("closed"),
  };
  const transport: Transport = {
    connect: (_options, answer) => {
      finish = answer;
      return { cancel: () => {} };
    },
    listen: () => assert.fail("nobody listens"),
  };
  const record = new PeerRecord(peerCounters(new TallyMetrics(), OPTIONS.address), momentOf(clock));
  const links = new PeerLinks(
    { transport, clock, random: new SeededRandom(), log: new RecordedLog(), record },
    {
      event: (side, { type }) => void events.push(`${side} ${type}`),
      message: () => {},
      lost: () => {},
      drained: () => {},
    },
  );
  links.connect("outgoing", OPTIONS, 1, { password: "old" });
  return { links, record, clock, events, done, finish: () => finish!(connection) };
}

describe("options that change while a connection is made", () => {
  it("nothing changes: it is as it was begun", () => {
    const { done, events, finish } = attempt();
    finish();
    assert.deepEqual([done, events], [["started"], ["outgoing Tcp_CR_Acked"]]);
  });

  it("its packets go as far as is configured now, and are signed so, from the first message on", () => {
    const { links, done, events, finish } = attempt();
    links.limitHops({ ...OPTIONS, ttlSecurityHops: 1 }, 1);
    links.protect({ password: "new" });
    finish();
    assert.deepEqual(done, ['hops {"ttlSecurityHops":1}', "signed with new", "started"]);
    assert.deepEqual(events, ["outgoing Tcp_CR_Acked"]);
    assert.ok(links.at("outgoing").connection !== undefined);
  });

  it("where the system refuses that, the connection has failed", () => {
    const { links, done, events, finish } = attempt({ fails: true });
    links.protect({ password: "new" });
    finish();
    assert.deepEqual([done, events], [["closed"], ["outgoing TcpConnectionFails"]]);
    assert.equal(links.at("outgoing").connection, undefined);
  });
});

describe("an attempt to connect that nobody answers", () => {
  /** What an operator is shown when the time for it is over. */
  function shown(options: Partial<PeerOptions>, protection: TcpProtection): string | undefined {
    const { links, record, clock } = attempt();
    links.connect("outgoing", { ...OPTIONS, ...options }, 1, protection);
    links.at("outgoing").timers.arm("connectRetry", seconds(5), { jitter: false });
    const error = () => record.ends.status.lastError?.text;
    clock.advance(4_999);
    assert.equal(error(), undefined);
    clock.advance(1);
    return error();
  }

  it("is the last error, with what may be behind silence", () => {
    assert.equal(shown({}, {}), "cannot connect: no answer");
    assert.equal(shown({}, { password: "new" }), "cannot connect: no answer; its key may be another one");
    assert.equal(shown({ ttlSecurityHops: 1 }, {}), "cannot connect: no answer; it may be farther away than 1 hop");
  });

  it("one that was made waits for something else", () => {
    const { links, record, clock, finish } = attempt();
    finish();
    links.at("outgoing").timers.arm("connectRetry", seconds(5), { jitter: false });
    clock.advance(5_000);
    assert.equal(record.ends.status.lastError, undefined);
  });
});
