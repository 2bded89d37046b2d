import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BpfMap, loadNative } from "../../../native/index.ts";
import { toHex } from "../../../src/base/index.ts";
import { PROGRAMS, RETURN, VERDICTS } from "../../../src/dataplane/abi.ts";
import { type KernelDataplane, startKernelDataplane } from "../../../src/dataplane/index.ts";
import { PortTable } from "../../../src/dataplane/kernel/port-table.ts";
import type { NextHopRef } from "../../../src/dataplane/memory/choice.ts";
import { FlowTable } from "../../../src/dataplane/memory/flow-table.ts";
import type { Outcome, PassState, WayBack } from "../../../src/dataplane/memory/outcome.ts";
import { processFrame } from "../../../src/dataplane/memory/pass.ts";
import { PlanTables } from "../../../src/dataplane/memory/plan-tables.ts";
import type { Operation, PlanSnapshot } from "../../../src/forwarding/index.ts";
import { isolated, OBJECT_PATH } from "../kernel/isolated.ts";
import { SILENT } from "../memory/story.ts";
import { type Plan, plan, type Step, step } from "./arbitrary.ts";
import { OPTIONS, routeTo, SETUP } from "./pool.ts";

const RUNS = Number(process.env.SEMR_DIFFERENTIAL_RUNS ?? 800);
const SEED = Number(process.env.SEMR_DIFFERENTIAL_SEED ?? Math.floor(Math.random() * 0x7fffffff));

/** Verdicts that need an empty token bucket, a full table, or a frame without headroom. */
const OUT_OF_REACH = new Set(["drop-rate-limited", "drop-state-full", "drop-no-headroom"]);

/** What ICMPv6 errors come to when their quote has a flow, and the error that the pass tells a site about its way back. */
const ERRORS = [
  "error delivered",
  "error returned",
  "error encapsulated",
  "error hair-pinned",
  "reject-too-big on the way back",
  "drop-fragment answered",
  "drop-fragment answered on the way back",
];

const LOOPBACK = 1;
/** BPF_PROG_RUN refuses to make a socket buffer of less (Linux 6.18). */
const LEAST_TC_FRAME = 14 + 40;

/** The return value that stands for each action. */
function returnValueOf(hook: "xdp" | "tc", { action, frame }: Outcome): number {
  if (hook === "xdp") return action === "drop" ? 1 : 2;
  switch (action) {
    case "pass":
      return -1; // TC_ACT_UNSPEC
    case "drop":
      return 2; // TC_ACT_SHOT
    case "reply":
      return 7; // TC_ACT_REDIRECT
    case "forward":
      return routeTo(frame.subarray(14 + 24, 14 + 40)) === undefined ? 0 : 7; // TC_ACT_OK: the stack routes
  }
}

/** Zero and minus zero of one's complement are the same checksum. */
function comparable(frame: Uint8Array): string {
  const copy = frame.slice();
  const checksumAt = { 6: 54 + 16, 58: 54 + 2 }[copy[20]!];
  const quotedAt = copy[20] === 58 && copy[62 + 6] === 6 ? 62 + 40 + 16 : undefined;
  for (const at of [checksumAt, quotedAt])
    if (at !== undefined && copy[at] === 0 && copy[at + 1] === 0) copy.fill(0xff, at, at + 2);
  return toHex(copy);
}

/** The row of ERRORS that an outcome belongs to. */
function errorText(
  { frame: before, port }: Extract<Step, { type: "packet" }>,
  { verdict, action, frame }: Outcome,
): string | undefined {
  if (verdict === "drop-fragment" && action === "reply") {
    const isBack = port.role === "agent" && before[14 + 24] !== OPTIONS.domain.address[0];
    return `drop-fragment answered${isBack ? " on the way back" : ""}`;
  }
  if (action !== "forward") return undefined;
  if (verdict === "reject-too-big") return "reject-too-big on the way back";
  if (verdict === "encapsulated" || verdict === "hair-pinned")
    return frame[14 + 40 + 6] === 58 && frame[14 + 80]! < 128 ? `error ${verdict}` : undefined;
  return frame[20] === 58 && frame[54]! < 128 ? `error ${verdict}` : undefined;
}

/** The model with tables of its own. */
class Model {
  readonly plan = new PlanTables(OPTIONS.domain, OPTIONS.maxCapabilities);
  readonly verdicts = new Map<string, bigint>(VERDICTS.map((name) => [name, 0n]));
  readonly packets = new Map<number, bigint>();
  readonly errors = new Map<string, bigint>();
  readonly #flows = {
    flows: new FlowTable<NextHopRef>(1000),
    returns: new FlowTable<WayBack>(1000),
    transitions: new FlowTable<NextHopRef>(1000),
  };
  readonly #state: PassState;

  constructor() {
    this.#state = { ...OPTIONS, ...this.#flows, plan: this.plan, mayAnswer: true, now: 0, route: routeTo };
  }

  age(by: number): void {
    const { returns } = this.#flows;
    for (const [key, way] of [...returns.entries()]) returns.set(key, { ...way, seen: way.seen - by });
  }

  process(step: Extract<Step, { type: "packet" }>): Outcome {
    const outcome = processFrame(this.#state, step.port, { frame: step.frame, hook: step.hook });
    this.verdicts.set(outcome.verdict, this.verdicts.get(outcome.verdict)! + 1n);
    const told = errorText(step, outcome);
    if (told !== undefined) this.errors.set(told, (this.errors.get(told) ?? 0n) + 1n);
    for (const effect of outcome.effects) {
      if (effect.type === "set-flow") this.#flows.flows.set(effect.key, effect.value);
      if (effect.type === "set-return") this.#flows.returns.set(effect.key, effect.value);
      if (effect.type === "set-transition") this.#flows.transitions.set(effect.key, effect.value);
      if (effect.type === "count") this.packets.set(effect.nextHop, (this.packets.get(effect.nextHop) ?? 0n) + 1n);
    }
    return outcome;
  }
}

/** Operations that empty the tables. */
function emptying(snapshot: PlanSnapshot): Operation[] {
  return [
    ...snapshot.capabilities.values().map(({ address }) => ({ type: "remove-capability", address }) as const),
    ...snapshot.groups.keys().map((group) => ({ type: "remove-group", group }) as const),
    ...snapshot.nextHops.keys().map((index) => ({ type: "remove-next-hop", index }) as const),
    ...snapshot.nodes.map(({ locator }) => ({ type: "remove-node", locator }) as const),
  ];
}

function clearHash(map: BpfMap): void {
  for (let key = map.nextKey(); key !== undefined; key = map.nextKey()) map.delete(key);
}

/** The kernel's side: tables through the driver, packets through BPF_PROG_RUN with the loopback as their port. */
class Pass {
  readonly dataplane: KernelDataplane;
  readonly #ports: PortTable;

  constructor(dataplane: KernelDataplane) {
    this.dataplane = dataplane;
    this.#ports = new PortTable(dataplane.object.maps.get("ports")!.mmap());
  }

  reset(): void {
    const { dataplane } = this;
    dataplane.apply(emptying(dataplane.snapshot()), 1);
    const { maps } = dataplane.object;
    for (const name of ["flows", "returns", "transitions"]) clearHash(maps.get(name)!);
    const cpus = loadNative().bpf.possibleCpus();
    maps.get("answers")!.update(new Uint8Array(4), new Uint8Array(16 * cpus)); // a full bucket
    for (const index of VERDICTS.keys())
      maps.get("verdicts")!.update(Uint8Array.of(index, 0, 0, 0), new Uint8Array(8 * cpus));
  }

  /** As unsigned numbers that wrap: what the pass calculates with. */
  age(by: number): void {
    const returns = this.dataplane.object.maps.get("returns")!;
    for (let key = returns.nextKey(); key !== undefined; key = returns.nextKey(key)) {
      const value = returns.lookup(key)!;
      const view = new DataView(value.buffer, value.byteOffset + RETURN.offsets.seen, 4);
      view.setUint32(0, view.getUint32(0, true) - by, true);
      returns.update(key, value);
    }
  }

  process({ port, hook, frame }: Extract<Step, { type: "packet" }>): { returnValue: number; packet: Uint8Array } {
    const { role, tenantIndex, partialChecksums: partial } = port;
    this.#ports.set(LOOPBACK, { role, tenantIndex, direct: false, partial });
    return loadNative().bpf.testRun(this.dataplane.object.programs.get(PROGRAMS[hook])!, frame);
  }
}

/** How often each verdict was compared. */
type Tally = Map<string, bigint>;

function compareRun(pass: Pass, { operations }: Plan, steps: readonly Step[], tally: Tally): void {
  pass.reset();
  const model = new Model();
  pass.dataplane.apply(operations, 2);
  for (const [position, operation] of operations.entries()) model.plan.apply(operation, position);
  for (const step of steps) {
    if (step.type === "health") {
      pass.dataplane.setHealth(step.nextHop, step.state);
      model.plan.setState(step.nextHop, step.state);
      continue;
    }
    if (step.type === "age") {
      pass.age(step.by);
      model.age(step.by);
      continue;
    }
    if (step.hook === "tc" && step.frame.length < LEAST_TC_FRAME) continue;
    const expected = model.process(step);
    const seen = pass.process(step);
    const { verdicts, nextHops } = pass.dataplane.counters();
    const about = `${step.hook} ${step.port.role} tenant ${step.port.tenantIndex} frame ${toHex(step.frame)}`;
    assert.deepEqual(
      Object.fromEntries(verdicts),
      Object.fromEntries(model.verdicts),
      `verdict ${expected.verdict}: ${about}`,
    );
    assert.equal(seen.returnValue, returnValueOf(step.hook, expected), `action of ${expected.verdict}: ${about}`);
    if (expected.action !== "drop")
      assert.equal(comparable(seen.packet), comparable(expected.frame), `octets of ${expected.verdict}: ${about}`);
    for (const [index, { packets }] of nextHops)
      assert.equal(packets, model.packets.get(index) ?? 0n, `packets of next hop ${index}: ${about}`);
  }
  for (const [verdict, count] of [...model.verdicts, ...model.errors])
    tally.set(verdict, (tally.get(verdict) ?? 0n) + count);
}

await isolated(import.meta.filename, SETUP, async () => {
  await test("the pass does what the model says, octet by octet", async (t) => {
    t.diagnostic(`seed ${SEED} (SEMR_DIFFERENTIAL_SEED), ${RUNS} runs (SEMR_DIFFERENTIAL_RUNS)`);
    const native = loadNative();
    const dataplane = await startKernelDataplane(OPTIONS, { native, log: SILENT, objectPath: OBJECT_PATH });
    const pass = new Pass(dataplane);
    const tally: Tally = new Map();
    try {
      const property = fc.property(plan, fc.array(step, { maxLength: 60, size: "max" }), (tables, steps) =>
        compareRun(pass, tables, steps, tally),
      );
      fc.assert(property, {
        seed: SEED,
        numRuns: RUNS,
        interruptAfterTimeLimit: 180_000,
        markInterruptAsFailure: false,
      });
      t.diagnostic([...tally].map(([verdict, count]) => `${verdict} ${count}`).join(", "));
      const unseen = VERDICTS.filter((verdict) => !OUT_OF_REACH.has(verdict) && !tally.get(verdict));
      assert.deepEqual(unseen, [], "the generator must reach every verdict");
      const untold = ERRORS.filter((told) => !tally.get(told));
      assert.deepEqual(untold, [], "the generator must reach every fate of an error");
    } finally {
      await dataplane.remove();
    }
  });
});
