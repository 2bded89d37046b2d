import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { loadNative } from "../../native/index.ts";
import { milliseconds } from "../../src/base/index.ts";
import type { SessionState } from "../../src/bgp/session/index.ts";
import {
  agentEvents,
  CapabilityEvents,
  CapacityEvents,
  type Publish,
  publisher,
  SessionEvents,
} from "../../src/daemon/events/index.ts";
import type { Names } from "../../src/daemon/names.ts";
import { SelectionFan } from "../../src/daemon/selection-fan.ts";
import { SessionWatch } from "../../src/daemon/state/index.ts";
import type { DirectoryChange, Instance } from "../../src/directory/index.ts";
import { EventLog, openProtocolSchema } from "../../src/management/index.ts";
import type { CapabilitySelection } from "../../src/rib/index.ts";
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
  adminState: "up",
  health: { state: "up", since: milliseconds(0) },
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
    const down: Instance = { ...INSTANCE, health: { state: "down", since: milliseconds(1), reason: "no answer" } };
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
    using events = new CapabilityEvents(fan, () => NAMES, publish);
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
  const refuse = (count: number): void => observer.refused!("capability", { count } as never);

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
