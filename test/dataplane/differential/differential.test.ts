import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { type BpfMap, loadNative } from "../../../native/index.ts";
import { toHex } from "../../../src/base/index.ts";
import {
  FRAGMENT_ENDS,
  METER,
  PROGRAMS,
  RETURN,
  TAG_COUNTERS,
  TAGS,
  TENANT_COUNTERS,
  VERDICTS,
} from "../../../src/dataplane/abi.ts";
import { type KernelDataplane, startKernelDataplane } from "../../../src/dataplane/index.ts";
import { Counters } from "../../../src/dataplane/kernel/counters.ts";
import { PortTable } from "../../../src/dataplane/kernel/port-table.ts";
import { SourceMap } from "../../../src/dataplane/kernel/source-map.ts";
import type { NextHopRef } from "../../../src/dataplane/memory/choice.ts";
import { FlowTable } from "../../../src/dataplane/memory/flow-table.ts";
import type { FragmentEnds, Outcome, PassState, WayBack } from "../../../src/dataplane/memory/outcome.ts";
import { processFrame } from "../../../src/dataplane/memory/pass.ts";
import { PlanTables } from "../../../src/dataplane/memory/plan-tables.ts";
import { PolicyCounts } from "../../../src/dataplane/memory/policy-counters.ts";
import { tagsOf, untagged } from "../../../src/dataplane/memory/vlan.ts";
import { emptying } from "../kernel/emptying.ts";
import { isolated, OBJECT_PATH } from "../kernel/isolated.ts";
import { readAll } from "../kernel/read-all.ts";
import { SILENT } from "../memory/story.ts";
import { type Step, steps } from "./arbitrary.ts";
import { type Plan, POLICIES, plan } from "./arbitrary-plans.ts";
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
  "sent to another tenant",
  "delivered with a tag",
  "marked",
  ...["first", "later"].flatMap((one) =>
    ["encapsulated", "delivered", "returned"].map((to) => `${one} fragment ${to}`),
  ),
  ...["encapsulated in turn", "delivered in turn"],
  ...["passed", "encapsulated", "delivered", "returned", "reject-tenant"].map((to) => `${to} tagged`),
  ...["encapsulated", "reject-too-big", "reject-empty-group", "drop-capability-rate", "reject-no-route"].map(
    (to) => `${to} without an entry`,
  ),
];

const LOOPBACK = 1;
/** Tenants that ports and policies have. */
const TENANTS = [1, 2];
/** In nanoseconds: what a packet or an octet takes to be earned, and how much of it may go by unnoticed. */
const SECOND = 1_000_000_000n;
const STALL = (SECOND * 3n) / 10n;
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

/** The row of ERRORS that an outcome belongs to. */
function errorText(
  { frame: before, port }: Extract<Step, { type: "packet" }>,
  { verdict, action, frame }: Outcome,
): string | undefined {
  if (verdict === "drop-fragment" && action === "reply") {
    const isBack = port.role === "agent" && before[14 + 24] !== OPTIONS.domain.address[0];
    return `drop-fragment answered${isBack ? " on the way back" : ""}`;
  }
  if (action !== "forward" || before[12] !== 0x86) return undefined;
  if (verdict === "reject-too-big") return "reject-too-big on the way back";
  if (verdict === "encapsulated" || verdict === "hair-pinned")
    return frame[14 + 40 + 6] === 58 && frame[14 + 80]! < 128 ? `error ${verdict}` : undefined;
  return frame[20] === 58 && frame[54]! < 128 ? `error ${verdict}` : undefined;
}

/** Rows of ERRORS that are about policy. */
function policyTexts(
  { frame: before }: Extract<Step, { type: "packet" }>,
  { action, frame, effects }: Outcome,
): string[] {
  const sent = effects.find((effect) => effect.type === "count-tenant" && effect.as === "sent");
  const isForeign = sent?.type === "count-tenant" && sent.tenantIndex !== before[14 + 24 + 7];
  const isMarked = action === "forward" && before[20] !== 41 && ((before[15]! ^ frame[15]!) & 0xc0) !== 0;
  return [
    ...(isForeign ? ["sent to another tenant"] : []),
    ...(effects.some(({ type }) => type === "count-tag") ? ["delivered with a tag"] : []),
    ...(isMarked ? ["marked"] : []),
  ];
}

/** Rows of ERRORS that are about how datagrams are spread. */
function spreadTexts(
  { frame: before, port }: Extract<Step, { type: "packet" }>,
  { verdict, effects }: Outcome,
): string[] {
  const tags = tagsOf(port, before);
  const inner = verdict === "delivered" && port.role === "core" ? 54 : 14;
  const isFragment = before[inner + 6] === 44;
  const isLater = isFragment && ((before[inner + 42]! << 8) | before[inner + 43]!) >= 8;
  return [
    ...(isFragment && ["encapsulated", "delivered", "returned"].includes(verdict)
      ? [`${isLater ? "later" : "first"} fragment ${verdict}`]
      : []),
    ...(tags === undefined ? [] : [`${verdict} tagged`]),
    ...(effects.some(({ type }) => type === "take-turn") ? [`${verdict} in turn`] : []),
  ];
}

/** Rows of ERRORS that are about capabilities without an entry, below an aggregate. */
function aggregateTexts(
  plan: PlanTables,
  { frame, port }: Extract<Step, { type: "packet" }>,
  { verdict }: Outcome,
): string[] {
  if (frame[12] !== 0x86 || frame[13] !== 0xdd) return [];
  const at = (offset: number): Uint8Array => frame.subarray(offset, offset + 16);
  // Of what came through a tunnel the inner one, which an aggregate here must not send on.
  const inside = { "reject-too-big": at(14 + 8), "reject-no-route": at(54 + 24) } as Record<string, Uint8Array>;
  const about = (port.role === "core" ? inside[verdict] : undefined) ?? at(14 + 24);
  if (about.length < 16 || plan.capability(about) !== undefined || plan.aggregate(about) === undefined) return [];
  return [`${verdict} without an entry`];
}

/** The model with tables of its own. */
class Model {
  readonly plan = new PlanTables(OPTIONS.domain, OPTIONS.maxCapabilities);
  readonly verdicts = new Map<string, bigint>(VERDICTS.map((name) => [name, 0n]));
  readonly packets = new Map<number, bigint>();
  readonly errors = new Map<string, bigint>();
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

function clearHash(map: BpfMap): void {
  for (let key = map.nextKey(); key !== undefined; key = map.nextKey()) map.delete(key);
}

/** The kernel's side: tables through the driver, packets through BPF_PROG_RUN with the loopback as their port. */
class Pass {
  readonly dataplane: KernelDataplane;
  readonly #ports: PortTable;
  readonly #sources: SourceMap;
  readonly #meters: BigUint64Array;
  readonly #counters: Counters;
  #lastRun = 0n;
  /** Between freezing the time and looking at it the process waited for a processor for so long that something was earned. */
  stalled = false;

  constructor(dataplane: KernelDataplane) {
    this.dataplane = dataplane;
    const { maps } = dataplane.object;
    this.#ports = new PortTable(maps.get("ports")!.mmap());
    this.#sources = new SourceMap(maps.get("sources")!);
    const meters = maps.get("meters")!.mmap();
    this.#meters = new BigUint64Array(meters.buffer, meters.byteOffset, meters.length / 8);
    const [verdicts, edge, nextHops] = ["verdicts", "edge_verdicts", "next_hop_counters"].map(
      (name) => maps.get(name)!,
    );
    const [tenants, policies, tags] = ["tenant_counters", "policy_uses", "tag_counters"].map((name) => maps.get(name)!);
    const counted = {
      verdicts: verdicts!,
      edge: edge!,
      nextHops: nextHops!,
      tenants: tenants!,
      policies: policies!,
      tags: tags!,
    };
    this.#counters = new Counters(counted, loadNative().bpf.possibleCpus());
  }

  reset(): void {
    const { dataplane } = this;
    this.stalled = false;
    dataplane.apply(emptying(dataplane.snapshot()), 1);
    const { maps } = dataplane.object;
    for (const name of ["flows", "returns", "transitions", "fragments"]) clearHash(maps.get(name)!);
    const cpus = loadNative().bpf.possibleCpus();
    maps.get("answers")!.update(new Uint8Array(4), new Uint8Array(16 * cpus)); // a full bucket
    maps.get("beginnings")!.update(new Uint8Array(4), new Uint8Array(24 * cpus)); // likewise
    for (const index of VERDICTS.keys())
      maps.get("verdicts")!.update(Uint8Array.of(index, 0, 0, 0), new Uint8Array(8 * cpus));
    for (const tenant of TENANTS)
      maps.get("tenant_counters")!.update(Uint8Array.of(tenant, 0, 0, 0), new Uint8Array(TENANT_COUNTERS.size * cpus));
    for (let tag = 0; tag < TAGS; tag++)
      maps.get("tag_counters")!.update(Uint8Array.of(tag, 0, 0, 0), new Uint8Array(TAG_COUNTERS.size * cpus));
  }

  /**
   * The model's time stands still: what was earned since the packet before is taken back. Each packet and octet takes one
   * second to earn, so meters are whole seconds ahead, but for the time that the run of a packet takes.
   */
  #freeze(now: bigint): void {
    for (const index of [...POLICIES.tenants, ...POLICIES.capabilities])
      for (let word = (index * METER.size) / 8; word < ((index + 1) * METER.size) / 8; word++) {
        const ahead = Math.round(Number(this.#meters[word]! - this.#lastRun) / 1e9);
        this.#meters[word] = ahead <= 0 ? 0n : now + BigInt(ahead) * SECOND - SECOND / 10n;
      }
  }

  counters({ plan }: Model) {
    return this.#counters.read({
      nextHops: () => new Set(plan.nextHopIndexes()),
      tenants: () => new Set(TENANTS),
      policies: () => new Set(plan.policyIndexes()),
    });
  }

  /** As unsigned numbers that wrap: what the pass calculates with. */
  age(by: number): void {
    for (const [name, { offsets }] of [["returns", RETURN] as const, ["fragments", FRAGMENT_ENDS] as const]) {
      const table = this.dataplane.object.maps.get(name)!;
      for (let key = table.nextKey(); key !== undefined; key = table.nextKey(key)) {
        const value = table.lookup(key)!;
        const view = new DataView(value.buffer, value.byteOffset + offsets.seen, 4);
        view.setUint32(0, view.getUint32(0, true) - by, true);
        table.update(key, value);
      }
    }
  }

  /** `policyOf`: the policy of a tenant, which the driver would write to the port. `turn`: of whichever processor it is. */
  process(
    { port, hook, frame }: Extract<Step, { type: "packet" }>,
    turn: number,
    policyOf: (tenantIndex: number) => number,
  ): { returnValue: number; packet: Uint8Array } {
    const {
      role,
      tenantIndex,
      partialChecksums: partial,
      clampsMss: clamp = false,
      acceptsTags: vlans = false,
      sources,
    } = port;
    const entries = (sources ?? []).map((source) => {
      return { ...source, ifindex: LOOPBACK, policy: policyOf(source.tenantIndex) };
    });
    const entry = { role, tenantIndex, direct: false, partial, clamp, vlans };
    this.#sources.replace(
      entries,
      () => true,
      () => this.#ports.set(LOOPBACK, { ...entry, sources: sources !== undefined, policy: policyOf(tenantIndex) }),
    );
    const turns = new Uint32Array(2 * loadNative().bpf.possibleCpus()).fill(turn);
    this.dataplane.object.maps.get("turns")!.update(new Uint8Array(4), new Uint8Array(turns.buffer));
    const begin = process.hrtime.bigint();
    this.#freeze(begin);
    const seen = loadNative().bpf.testRun(this.dataplane.object.programs.get(PROGRAMS[hook])!, frame);
    this.#lastRun = process.hrtime.bigint();
    this.stalled ||= this.#lastRun - begin > STALL;
    return seen;
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
  for (const [verdict, count] of [...model.verdicts, ...model.errors])
    tally.set(verdict, (tally.get(verdict) ?? 0n) + count);
}

/** What a processor has leased of a rate no other one has, and the model has one alone. */
function stayOnOneProcessor(): void {
  const told = execFileSync("taskset", ["--cpu-list", "--pid", `${process.pid}`], { encoding: "utf8" });
  execFileSync("taskset", ["--cpu-list", "--pid", /: (\d+)/.exec(told)![1]!, `${process.pid}`], { stdio: "ignore" });
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
      const property = fc.property(plan, steps, (tables, list) => compareRun(pass, tables, list, tally));
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
