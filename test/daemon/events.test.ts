import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { loadNative } from "../../native/index.ts";
import { milliseconds } from "../../src/base/index.ts";
import type { SessionState } from "../../src/bgp/session/index.ts";
import {
  agentEvents,
  CapabilityEvents,
  CapacityEvents,
  PolicyViolations,
  type Publish,
  publisher,
  SessionEvents,
} from "../../src/daemon/events/index.ts";
import type { Names } from "../../src/daemon/names.ts";
import { RefusedWatch } from "../../src/daemon/refused-watch.ts";
import { SelectionFan } from "../../src/daemon/selection-fan.ts";
import { SessionWatch } from "../../src/daemon/state/index.ts";
import type { DirectoryChange, Instance } from "../../src/directory/index.ts";
import { EventLog, openProtocolSchema } from "../../src/management/index.ts";
import type { CapabilitySelection } from "../../src/rib/index.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

let clock: VirtualClock;
let log: EventLog;
let publish: Publish;

beforeEach(() => {
  clock = new VirtualClock();
  log = new EventLog(clock);
  publish = publisher(log);
});

const told = (): readonly Readonly<Record<string, unknown>>[] =>
  Array.from(log.from(milliseconds(0)), ({ name, content }) => ({
    name: name.slice("semrd-events:".length),
    ...content,
  }));

/** Every event must be one of the model. */
async function printed(): Promise<void> {
  await using context = await openProtocolSchema(loadNative().yang);
  for (const { target, name, content } of log.from(milliseconds(0)))
    assert.match(await context.printNotification(target, name, content, "xml"), /urn:semrd:yang:semrd-events/);
}

const INSTANCE: Instance = {
  id: "00112233445566aa",
  agent: "spiffe://example.net/acme/agent/ocr-a",
  tenant: "acme",
  capability: "/vision/ocr" as Instance["capability"],
  version: { major: 1, minor: 0 },
  endpoint: { address: new Uint8Array(16).fill(1), port: 8080, protocol: "tcp" } as unknown as Instance["endpoint"],
  servicePort: 80,
  weight: 10,
  labels: [],
  source: "registration",
  registeredAt: milliseconds(0),
  learntAt: milliseconds(0),
  adminState: "up",
  health: { state: "up", since: { wall: milliseconds(0), monotonic: milliseconds(0) } },
};

describe("events of agents", () => {
  let change: (...changes: DirectoryChange[]) => void;
  beforeEach(() => {
    agentEvents(
      {
        subscribe(listener) {
          change = (...changes) => listener(changes);
          return { [Symbol.dispose]() {} };
        },
      },
      publish,
    );
  });

  it("come, change and go, and are of the model", async () => {
    const draining: Instance = { ...INSTANCE, adminState: "draining" };
    const down: Instance = {
      ...INSTANCE,
      health: { state: "down", since: { wall: milliseconds(1), monotonic: milliseconds(1) }, reason: "no answer" },
    };
    change({ type: "added", instance: INSTANCE });
    change({ type: "changed", instance: draining, was: INSTANCE });
    change({ type: "changed", instance: down, was: INSTANCE });
    change({ type: "removed", instance: down, cause: "lease-expired" });
    assert.deepEqual(
      told().map(({ name, event, health, reason, cause }) => [name, event ?? health, reason ?? cause]),
      [
        ["agent-change", "registered", undefined],
        ["agent-change", "changed", undefined],
        ["agent-health", "down", "no answer"],
        ["agent-change", "withdrawn", "lease-expired"],
      ],
    );
    await printed();
  });

  it("a renewed lease is no news", () => {
    const lease = { sequence: 2n, validUntil: milliseconds(9), renew: milliseconds(3) };
    change({ type: "changed", instance: { ...INSTANCE, lease }, was: INSTANCE });
    assert.deepEqual(told(), []);
  });
});

describe("events of capabilities", () => {
  const NAMES = {
    tenant: (index: number) => (index === 1 ? "acme" : undefined),
    capability: () => undefined,
  } as unknown as Names;
  const selection = (tenantIndex: number, sites: number): CapabilitySelection => {
    const site = { originId: 0xc0000201 } as CapabilitySelection["group"][number];
    return {
      tenantIndex,
      capabilityId: new Uint8Array(16) as CapabilitySelection["capabilityId"],
      name: INSTANCE.capability,
      group: Array.from({ length: sites }, () => site),
      winner: sites > 0 ? site : undefined,
      candidates: [],
    };
  };

  it("reachable and unreachable, once each, after the router has converged", async () => {
    const fan = new SelectionFan();
    using events = new CapabilityEvents(fan, () => NAMES, publish, new SeededRandom(1));
    fan.site(selection(1, 1));
    assert.deepEqual(told(), [], "what is reachable at the start is no news");
    events.converged();
    fan.site(selection(1, 2));
    fan.site(selection(1, 0));
    fan.site(selection(1, 0));
    fan.site(selection(7, 1));
    fan.site(selection(1, 1));
    const about = { name: "capability-change", tenant: "acme", capability: "/vision/ocr" };
    assert.deepEqual(told(), [
      { ...about, event: "unreachable", sites: 0 },
      { ...about, event: "reachable", sites: 1, "best-origin": "192.0.2.1" },
    ]);
    await printed();
  });
});

describe("events of sessions", () => {
  const PEER = {
    name: "fd00::9",
    address: new Uint8Array(16),
    remoteAs: 65000,
    localAs: 65000,
    kind: "internal",
  } as never;
  let watch: SessionWatch;
  let observer: NonNullable<ReturnType<SessionWatch["observer"]>>;
  let events: SessionEvents;
  beforeEach(() => {
    watch = new SessionWatch(clock);
    observer = watch.observer(PEER)!;
    events = new SessionEvents(watch, { clock, lastError: () => "hold timer expired" }, publish);
  });
  const states = (...of: SessionState[]): void => {
    for (const [i, to] of of.entries()) if (i > 0) observer.stateChanged(of[i - 1]!, to);
  };
  const refuse = (count: number): void => observer.refused!("capability", { count } as never, "policy");

  it("up and lost, on a later turn, with the reason; the states between are not told", async () => {
    states("Idle", "Connect", "OpenSent", "OpenConfirm", "Established", "Idle");
    assert.deepEqual(told(), [], "the speaker is not interrupted");
    clock.advance(milliseconds(0));
    assert.deepEqual(told(), [
      { name: "peer-change", address: "fd00::9", event: "established", "session-state": "established" },
      { name: "peer-change", address: "fd00::9", event: "lost", "session-state": "idle", error: "hold timer expired" },
    ]);
    await printed();
  });

  it("paths that break and come back", async () => {
    watch.pathChanged("fd00::9", "dead");
    watch.pathChanged("fd00::9", "alive");
    clock.advance(milliseconds(0));
    assert.deepEqual(
      told().map(({ name, event }) => [name, event]),
      [
        ["failover", "dead"],
        ["failover", "alive"],
      ],
    );
    await printed();
  });

  it("refused routes are told of once in ten seconds, with their number", async () => {
    refuse(3);
    refuse(4);
    clock.advance(milliseconds(0));
    refuse(5);
    clock.advance(milliseconds(9_000));
    refuse(6);
    clock.advance(milliseconds(500));
    assert.deepEqual(
      told().map(({ routes }) => routes),
      [7],
    );
    clock.advance(milliseconds(1_000));
    clock.advance(milliseconds(60_000));
    assert.deepEqual(
      told().map(({ routes }) => routes),
      [7, 11],
    );
    await printed();
  });

  it("nothing is told, and no timer left, once it is closed", () => {
    refuse(1);
    clock.advance(milliseconds(0));
    refuse(1);
    clock.advance(milliseconds(0));
    events[Symbol.dispose]();
    clock.advance(milliseconds(60_000));
    assert.equal(told().length, 1);
  });
});

it("a table that is nearly full is told of once until it was relieved", async () => {
  const capacity = new CapacityEvents({ capabilities: 100, groups: 10, "next-hops": 10 }, publish);
  for (const used of [90, 91, 100, 85, 95, 79, 85, 91]) capacity.used("capabilities", used);
  capacity.used("groups", 9);
  assert.deepEqual(
    told().map(({ event, used }) => `${event} ${used}`),
    ["nearly-full 91", "relieved 79", "nearly-full 91"],
  );
  await printed();
});

describe("packets that policy drops", () => {
  const NONE = { packets: 0n, bytes: 0n, denied: 0n, limited: 0n, spoofed: 0n };
  const address = (last: number): Uint8Array => Uint8Array.of(0xfd, ...new Array(14).fill(0), last);
  const names = {
    tenant: (index: number) => ["none", "acme", "beta"][index],
    address: (at: Uint8Array) => (at[15]! < 9 ? { capability: `/c/${at[15]}`, tenant: "beta" } : undefined),
  } as unknown as Names;

  function bench() {
    const tenants = new Map([
      [1, { ...NONE, denied: 1000n }],
      [2, { ...NONE }],
    ]);
    const counters = () => ({ tenants: new Map(tenants), verdicts: new Map(), nextHops: new Map() });
    let rounds = 0;
    const told = () => {
      rounds++;
    };
    const violations = new PolicyViolations({ counters }, { names: () => names, clock, told }, publish);
    const more = (index: number, counts: Partial<typeof NONE>): void => {
      const was = tenants.get(index)!;
      const next = Object.entries(counts).map(([name, count]) => [name, was[name as keyof typeof NONE] + count]);
      tenants.set(index, { ...was, ...Object.fromEntries(next) });
    };
    const sample = (verdict: string, to: number, packets = 1, tenantIndex = 1): void =>
      violations.sampled({ verdict, tenantIndex, capability: address(to), client: address(200) } as never, packets);
    return { violations, more, sample, tenants, rounds: () => rounds };
  }

  it("what was counted before is no news; a flood is one event with a number, exact also without samples", async () => {
    const { violations, more, rounds } = bench();
    clock.advance(milliseconds(10_000));
    assert.deepEqual(told(), []);
    more(1, { denied: 5n, limited: 2_000_000n, packets: 9n });
    clock.advance(milliseconds(10_000));
    assert.deepEqual(told(), [
      { name: "policy-violation", tenant: "acme", reason: "rate", packets: "2000000", seconds: 10 },
      { name: "policy-violation", tenant: "acme", reason: "not-allowed", packets: "5", seconds: 10 },
    ]);
    assert.equal(rounds(), 2);
    await printed();
    violations[Symbol.dispose]();
    assert.equal(clock.armed, 0);
  });

  it("samples say which capability, and whose; their sum is what was counted", async () => {
    const { more, sample } = bench();
    sample("reject-tenant", 1, 64);
    sample("reject-tenant", 1, 64);
    sample("reject-tenant", 2, 64);
    sample("drop-spoofed", 99);
    sample("reject-tenant", 3, 64, 2); // another tenant's, which nothing was counted for
    sample("reject-empty-group", 3); // no policy
    more(1, { denied: 100n, spoofed: 1n });
    clock.advance(milliseconds(10_000));
    const about = told().map(({ name: _, seconds: __, client, ...event }) => {
      assert.equal(client, "fd00::c8");
      return event;
    });
    const denied = { tenant: "acme", reason: "not-allowed", owner: "beta" };
    assert.deepEqual(about, [
      { ...denied, packets: "67", capability: "/c/1", address: "fd00::1" },
      { ...denied, packets: "33", capability: "/c/2", address: "fd00::2" },
      { tenant: "acme", reason: "source", packets: "1", address: "fd00::63" },
    ]);
    await printed();
  });

  it("the first sample after a quiet time is told of within a second; a counter that went back began anew", () => {
    const { more, sample, tenants } = bench();
    clock.advance(milliseconds(10_000));
    clock.advance(milliseconds(6000));
    sample("drop-tenant-rate", 1);
    more(1, { limited: 3n });
    clock.advance(milliseconds(1000));
    assert.deepEqual([told().length, told()[0]!.seconds], [1, 7]);
    sample("drop-tenant-rate", 1);
    more(1, { limited: 3n });
    clock.advance(milliseconds(9999));
    assert.equal(told().length, 1, "more of it waits for the interval");
    clock.advance(milliseconds(1));
    assert.equal(told().length, 2);
    tenants.set(1, { ...NONE, denied: 4n });
    clock.advance(milliseconds(10_000));
    assert.deepEqual(
      told()
        .slice(2)
        .map(({ reason, packets }) => [reason, packets]),
      [["not-allowed", "4"]],
    );
  });

  it("has a bound: of very many tenants the least are told of together", () => {
    const tenants = new Map<number, typeof NONE>();
    const all = { tenant: (index: number) => `t${index}` } as unknown as Names;
    const counters = () => ({ tenants: new Map(tenants), verdicts: new Map(), nextHops: new Map() });
    const _violations = new PolicyViolations({ counters }, { names: () => all, clock, told: () => undefined }, publish);
    for (let i = 1; i <= 100; i++) tenants.set(i, { ...NONE, denied: BigInt(i) });
    clock.advance(milliseconds(10_000));
    assert.equal(told().length, 65);
    assert.deepEqual(told().at(-1), { name: "policy-violation", packets: String((36 * 37) / 2), seconds: 10 });
  });

  it("refused packets are asked for ever fewer while they are many, and all again with the next round", () => {
    const asked: number[] = [];
    let hear: (event: never) => void = () => undefined;
    const heard: number[] = [];
    const driver = {
      watchFlows(listener: (event: never) => void) {
        hear = listener;
        return {
          lost: 0,
          tell: ({ refused }: { refused: number }) => asked.push(refused),
          progress() {},
          [Symbol.dispose]() {},
        };
      },
    };
    using watch = new RefusedWatch(driver as never, (_, packets) => heard.push(packets));
    for (let i = 0; i < 1100; i++) hear({} as never);
    assert.deepEqual(asked, [1, 16, 256]);
    assert.deepEqual([heard[0], heard[499], heard[500], heard[1099]], [1, 1, 16, 256]);
    watch.round();
    assert.equal(asked.at(-1), 1);
    watch.round();
    assert.equal(asked.length, 4);
  });
});
