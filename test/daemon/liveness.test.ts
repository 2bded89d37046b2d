import assert from "node:assert/strict";
import { it } from "node:test";
import { milliseconds, seconds } from "../../src/base/index.ts";
import { livenessReport } from "../../src/daemon/liveness.ts";
import type { Instance } from "../../src/directory/index.ts";
import type { RouterConfiguration } from "../../src/management/index.ts";

const CHECK = { kind: "tcp" } as unknown as NonNullable<Instance["check"]>;

function instance(name: string, own: Partial<Instance>): Instance {
  const health = { state: "unknown", since: { wall: milliseconds(0), monotonic: milliseconds(0) } };
  return { agent: name, capability: "/vision/ocr", adminState: "up", health, ...own } as Instance;
}

const down = (reason?: string): Instance["health"] => ({
  state: "down",
  since: { wall: milliseconds(0), monotonic: milliseconds(0) },
  ...(reason === undefined ? {} : { reason }),
});

const INSTANCES = [
  instance("checked", {
    check: CHECK,
    health: { state: "up", since: { wall: milliseconds(0), monotonic: milliseconds(0) } },
  }),
  instance("waits", { check: CHECK }),
  instance("refused", { check: CHECK, health: down("connection refused") }),
  instance("free", {}),
  instance("failed", { health: down("5 unanswered; tried again after 10 s") }),
  instance("held", { adminState: "down" }),
];

const reportOf = (dataplane: Partial<RouterConfiguration["dataplane"]>, heartbeats?: ReturnType<typeof beats>) =>
  livenessReport({
    configuration: { dataplane } as RouterConfiguration,
    directory: { instances: () => INSTANCES.values() },
    heartbeats: () => heartbeats,
  });

const beats = () => ({
  ...{ intervalMilliseconds: 10, multiplier: 4, routers: 2, sent: 9, sendErrors: 0, late: 0 },
  realtime: true,
});

it("instances are counted by who judges them, and those that are out say why", () => {
  const out = [
    { agent: "waits", means: "checked", reason: "its first health check has not ended" },
    { agent: "refused", means: "checked", reason: "connection refused" },
    { agent: "failed", means: "passive", reason: "5 unanswered; tried again after 10 s" },
    { agent: "held", means: "passive", reason: "taken out by an operator or its agent" },
  ];
  assert.deepEqual(reportOf({ passiveHealth: { failures: 5, rest: seconds(10) } }), {
    instances: { checked: 3, passive: 3, unjudged: 0, out: 4 },
    out: out.map((one) => ({ ...one, capability: "/vision/ocr" })),
    passiveHealth: { failures: 5, restSeconds: 10 },
  });
});

it("without passive health nobody judges those without a check; heartbeats are told of where they are sent", () => {
  const { instances, heartbeats, passiveHealth } = reportOf({}, beats());
  assert.deepEqual(instances, { checked: 3, passive: 0, unjudged: 3, out: 4 });
  assert.deepEqual([heartbeats, passiveHealth], [beats(), undefined]);
});
