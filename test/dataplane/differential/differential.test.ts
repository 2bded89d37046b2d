import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadNative } from "../../../native/index.ts";
import { toHex } from "../../../src/base/index.ts";
import { VERDICTS } from "../../../src/dataplane/abi.ts";
import { startKernelDataplane } from "../../../src/dataplane/index.ts";
import type { NextHopRef } from "../../../src/dataplane/memory/choice.ts";
import { FlowTable } from "../../../src/dataplane/memory/flow-table.ts";
import type { FragmentEnds, Outcome, PassState, WayBack } from "../../../src/dataplane/memory/outcome.ts";
import { processFrame } from "../../../src/dataplane/memory/pass.ts";
import { PlanTables } from "../../../src/dataplane/memory/plan-tables.ts";
import { PolicyCounts } from "../../../src/dataplane/memory/policy-counters.ts";
import { tagsOf, untagged } from "../../../src/dataplane/memory/vlan.ts";
import { isolated, OBJECT_PATH } from "../kernel/isolated.ts";
import { readAll } from "../kernel/read-all.ts";
import { SILENT } from "../memory/story.ts";
import { stayOnOneProcessor } from "../one-processor.ts";
import { type Step, steps } from "./arbitrary.ts";
import { type Plan, plan } from "./arbitrary-plans.ts";
import { combinations, MUST_COMBINE } from "./combinations.ts";
import { COMBINED } from "./combined-steps.ts";
import { aggregateTexts, ERRORS, errorText, policyTexts, spreadTexts } from "./fates.ts";
import { Pass, TENANTS } from "./kernel-pass.ts";
import { OPTIONS, routeTo, SETUP } from "./pool.ts";

const RUNS = Number(process.env.SEMR_DIFFERENTIAL_RUNS ?? 800);
const SEED = Number(process.env.SEMR_DIFFERENTIAL_SEED ?? Math.floor(Math.random() * 0x7fffffff));

/** Verdicts that need an empty token bucket, a full table, or a frame without headroom. */
const OUT_OF_REACH = new Set(["drop-rate-limited", "drop-state-full", "drop-no-headroom"]);

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

/** tc: the outermost tag that was put back lies beside the frame, where a test run does not show it. */
function asSeen({ hook, port, frame: before }: Extract<Step, { type: "packet" }>, { frame }: Outcome): Uint8Array {
  const isTagged = frame[12] === 0x81 || frame[12] === 0x88;
  return hook === "tc" && isTagged && tagsOf(port, before) !== undefined
    ? untagged(frame, frame.subarray(12, 16))
    : frame;
}

/** The model with tables of its own. */
class Model {
  readonly plan = new PlanTables(OPTIONS.domain, OPTIONS.maxCapabilities);
  readonly verdicts = new Map<string, bigint>(VERDICTS.map((name) => [name, 0n]));
  readonly packets = new Map<number, bigint>();
  readonly errors = new Map<string, bigint>();
  readonly combined = new Map<string, bigint>();
  readonly policies = new PolicyCounts((index) => this.plan.policy(index));
  readonly #flows = {
    flows: new FlowTable<NextHopRef>(1000),
    returns: new FlowTable<WayBack>(1000),
    transitions: new FlowTable<NextHopRef>(1000),
    fragments: new FlowTable<FragmentEnds>(1000),
  };
  turn = 0;
  readonly #asked = { route: routeTo, left: (policy: number) => this.policies.left(policy) };
  readonly #state: PassState;

  constructor() {
    this.#state = { ...OPTIONS, ...this.#flows, plan: this.plan, turn: 0, mayAnswer: true, now: 0, ...this.#asked };
  }

  age(by: number): void {
    const { returns, fragments } = this.#flows;
    for (const [key, way] of [...returns.entries()]) returns.set(key, { ...way, seen: way.seen - by });
    for (const [key, ends] of [...fragments.entries()]) fragments.set(key, { ...ends, seen: ends.seen - by });
  }

  process(step: Extract<Step, { type: "packet" }>): Outcome {
    const outcome = processFrame({ ...this.#state, turn: this.turn }, step.port, step);
    this.verdicts.set(outcome.verdict, this.verdicts.get(outcome.verdict)! + 1n);
    const told = errorText(step, outcome);
    if (told !== undefined) this.errors.set(told, (this.errors.get(told) ?? 0n) + 1n);
    const policies = policyTexts(step, outcome);
    for (const pair of combinations(step, outcome)) this.combined.set(pair, (this.combined.get(pair) ?? 0n) + 1n);
    for (const what of [...policies, ...spreadTexts(step, outcome), ...aggregateTexts(this.plan, step, outcome)])
      this.errors.set(what, (this.errors.get(what) ?? 0n) + 1n);
    for (const effect of outcome.effects) {
      if (effect.type === "apply-policy" || effect.type === "count-tenant" || effect.type === "count-tag")
        this.policies.carryOut(effect);
      if (effect.type === "set-flow") this.#flows.flows.set(effect.key, effect.value);
      if (effect.type === "set-return") this.#flows.returns.set(effect.key, effect.value);
      if (effect.type === "set-transition") this.#flows.transitions.set(effect.key, effect.value);
      if (effect.type === "set-fragment") this.#flows.fragments.set(effect.key, effect.value);
      if (effect.type === "take-turn") this.turn++;
      if (effect.type === "count") this.packets.set(effect.nextHop, (this.packets.get(effect.nextHop) ?? 0n) + 1n);
    }
    return outcome;
  }
}

const isCombination = (name: string): boolean => name.includes(" + ");

/** How often each verdict was compared, and each combination of features. */
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
    if (step.hook === "tc" && step.frame.length < LEAST_TC_FRAME && step.frame[12] === 0x86) continue;
    const { turn } = model;
    const expected = model.process(step);
    const seen = pass.process(step, turn, (tenantIndex) => model.plan.policyOfTenant(tenantIndex));
    fc.pre(!pass.stalled); // says nothing then; another run takes its place
    const { verdicts, edge: _, nextHops, ...policed } = readAll(pass.counters(model));
    const about = `${step.hook} ${step.port.role} tenant ${step.port.tenantIndex} frame ${toHex(step.frame)}`;
    assert.deepEqual(
      Object.fromEntries(verdicts),
      Object.fromEntries(model.verdicts),
      `verdict ${expected.verdict}: ${about}`,
    );
    assert.equal(seen.returnValue, returnValueOf(step.hook, expected), `action of ${expected.verdict}: ${about}`);
    if (expected.action !== "drop")
      assert.equal(
        comparable(seen.packet),
        comparable(asSeen(step, expected)),
        `octets of ${expected.verdict}: ${about}`,
      );
    const { tenants, policies, tags } = model.policies.read(TENANTS, model.plan.policyIndexes());
    assert.deepEqual(policed, { tenants, policies, tags }, `policy counters of ${expected.verdict}: ${about}`);
    for (const [index, { packets }] of nextHops)
      assert.equal(packets, model.packets.get(index) ?? 0n, `packets of next hop ${index}: ${about}`);
  }
  for (const [verdict, count] of [...model.verdicts, ...model.errors, ...model.combined])
    tally.set(verdict, (tally.get(verdict) ?? 0n) + count);
}

/** A run in which something was earned meanwhile says nothing, and is made again. */
async function untilNotStalled(run: () => void): Promise<void> {
  for (let left = 20; ; left--)
    try {
      return run();
    } catch (cause) {
      if (left === 0 || !(cause instanceof fc.PreconditionFailure)) throw cause;
    }
}

await isolated(import.meta.filename, SETUP, async () => {
  stayOnOneProcessor();
  await test("the pass does what the model says, octet by octet", async (t) => {
    t.diagnostic(`seed ${SEED} (SEMR_DIFFERENTIAL_SEED), ${RUNS} runs (SEMR_DIFFERENTIAL_RUNS)`);
    const native = loadNative();
    const dataplane = await startKernelDataplane(OPTIONS, { native, log: SILENT, objectPath: OBJECT_PATH });
    const pass = new Pass(dataplane);
    const tally: Tally = new Map();
    try {
      for (const [tables, list] of COMBINED) await untilNotStalled(() => compareRun(pass, tables, list, tally));
      const missing = MUST_COMBINE.filter((pair) => !tally.get(pair));
      assert.deepEqual(missing, [], "the packets of combined-steps.ts must bring these together");
      const property = fc.property(plan, steps, (tables, list) => compareRun(pass, tables, list, tally));
      fc.assert(property, {
        seed: SEED,
        numRuns: RUNS,
        interruptAfterTimeLimit: 180_000,
        markInterruptAsFailure: false,
      });
      t.diagnostic(`${[...tally.keys()].filter(isCombination).length} pairs of features by what became of them`);
      t.diagnostic(
        [...tally]
          .filter(([name]) => !isCombination(name))
          .map(([verdict, count]) => `${verdict} ${count}`)
          .join(", "),
      );
      const unseen = VERDICTS.filter((verdict) => !OUT_OF_REACH.has(verdict) && !tally.get(verdict));
      assert.deepEqual(unseen, [], "the generator must reach every verdict");
      const untold = ERRORS.filter((told) => !tally.get(told));
      assert.deepEqual(untold, [], "the generator must reach every fate of an error");
    } finally {
      await dataplane.remove();
    }
  });
});
