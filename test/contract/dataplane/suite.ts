import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toHex } from "../../../src/base/index.ts";
import { VERDICTS } from "../../../src/dataplane/abi.ts";
import { DataplaneError, startMemoryDataplane } from "../../../src/dataplane/index.ts";
import {
  CapabilityBatch,
  FIRST_CAPABILITY_POLICY,
  type GroupRun,
  type Operation,
  type PlanSnapshot,
  type PlanView,
} from "../../../src/forwarding/index.ts";
import { address, ethernet, tcp } from "../../dataplane/memory/frames.ts";
import {
  AGENT,
  allSlots,
  CAPABILITY,
  CLIENT,
  GROUPS,
  INSTANCE,
  LOCAL,
  OPTIONS,
  OTHER_LOCATOR,
  SECOND_CAPABILITY,
  SILENT,
  TUNNEL,
} from "../../dataplane/memory/story.ts";
import { comparable, Expected, walked } from "./expected.ts";
import { sequence } from "./sequence.ts";
import type { StartSubject, Subject } from "./subject.ts";

const SYN = 0x02;
const THIRD_LOCATOR = address("2001:db8:f::3");

const toOther: Operation = { type: "set-capability", entry: { address: CAPABILITY, group: 1, localGroup: 0 } };
const THIRD: Operation = {
  type: "set-next-hop",
  index: 9,
  nextHop: { kind: "tunnel", locator: THIRD_LOCATOR },
  state: "up",
};

function syn(sourcePort: number, destination = CAPABILITY): Uint8Array {
  // To the loopback's hardware address, where BPF_PROG_RUN puts it in
  const frame = ethernet(tcp({ source: CLIENT, destination }, { sourcePort, destinationPort: 80, flags: SYN }));
  return frame.fill(0, 0, 6);
}

/** Where a client's packet was sent: the tunnel's end, or the verdict when there is none. */
function site(subject: Subject, sourcePort: number): string {
  const { verdict, frame } = subject.fromClient!(syn(sourcePort));
  return verdict === "encapsulated" ? toHex(frame.subarray(14 + 24, 14 + 40)) : verdict;
}

const FLOWS = Array.from({ length: 40 }, (_, i) => 5000 + i);

/** The snapshot put together again from the view that is read entry by entry; an entry that is not there is `undefined`. */
function readThrough(plan: PlanView, snapshot: PlanSnapshot): PlanSnapshot {
  assert.equal(plan.plannedNextHop(65_000), undefined);
  assert.equal(plan.plannedGroup(65_000), undefined);
  const nextHops = new Map(plan.plannedNextHops());
  for (const [index, planned] of nextHops) assert.deepEqual(plan.plannedNextHop(index), planned);
  const groups = [...snapshot.groups.keys()].map((index) => [index, plan.plannedGroup(index)!] as const);
  const capabilities = Array.from(plan.plannedCapabilities(), (entry) => [toHex(entry.address), entry] as const);
  return { ...snapshot, nextHops, groups: new Map(groups), capabilities: new Map(capabilities) };
}

const POLICIES = [FIRST_CAPABILITY_POLICY, FIRST_CAPABILITY_POLICY + 1].map((index, i) => ({
  type: "set-policy" as const,
  index,
  policy: { use: "capabilities", tenantIndex: i + 1, counted: true, allowed: [] } as const,
}));

/** Of two tenants; two that are reserved and one that is elsewhere at the end. */
const POOL = [
  ...["1:8001:1:1:0", "1:8001:1:1:1", "1:8001:1:2:0", "1:9:3:3:0", "2:8001:1:1:0", "2:1:0:0:0", "1:0:0:0:7"].map(
    (rest) => `fd5e:0:0:${rest}`,
  ),
  ...["fd5e::1", "fd5e:0:0:ffff:ffff:ffff:ffff:0", "fd5f:0:0:1:8001:1:1:0", "fd5e:1:0:1:8001:1:1:0"],
].map(address);

const often = <T>(good: readonly T[], bad: readonly T[]) =>
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...bad) });

const batches = fc.array(
  fc.record({
    entries: fc.array(
      fc.record({
        address: often(POOL.slice(0, -4), POOL.slice(-4)),
        group: often([0, 1], [2, 60_000]),
        localGroup: often([0, 1], [3]),
        policy: often([0], [FIRST_CAPABILITY_POLICY, FIRST_CAPABILITY_POLICY + 1, 1, 99_999]),
        affinity: fc.constantFrom(undefined, undefined, "address", "none"),
      }),
      { maxLength: 12 },
    ),
    removed: fc.constantFrom(...POOL),
  }),
  { maxLength: 8 },
);

/** What a driver says: of a refusal the code and the words. */
function outcome(run: () => void): string {
  try {
    run();
    return "done";
  } catch (cause) {
    assert.ok(cause instanceof DataplaneError, String(cause));
    return `${cause.code}: ${cause.message}`;
  }
}

function refusal(run: () => void): DataplaneError {
  try {
    run();
  } catch (cause) {
    assert.ok(cause instanceof DataplaneError, String(cause));
    return cause;
  }
  return assert.fail("nothing was refused");
}

export interface ContractOptions {
  /** Of each property; fewer where a start takes its time. */
  readonly runs?: number;
  /** False: what becomes of packets is shown elsewhere (`test/dataplane/suite`), with those that come out. */
  readonly packets?: boolean;
  /** Groups that it has room for, where that is not the model's own number. */
  readonly groups?: number;
}

/** Before the number in what is said of a full table of groups. */
const OF_GROUPS = /(table of groups full \(it holds )\d+\)/;

/** What every data plane does, whatever carries it out. */
export function dataplaneContract(
  name: string,
  startAny: StartSubject,
  { runs = 60, packets = true, groups }: ContractOptions = {},
): void {
  const numRuns = (most: number): number => Math.min(most, runs);
  /** Ends only when all was carried out, without a complaint. */
  const start: StartSubject = async (options) => {
    const subject = await startAny(options);
    return {
      ...subject,
      async [Symbol.asyncDispose]() {
        await subject.settled?.();
        await subject[Symbol.asyncDispose]();
        assert.deepEqual(subject.complaints?.() ?? [], []);
      },
    };
  };
  const itWithPackets: typeof it = packets ? it : Object.assign(async () => undefined, it);
  describe(`data plane contract: ${name}`, () => {
    it("holds what the operations say, whatever their sequence", async (t) => {
      const seed = Math.floor(Math.random() * 0x7fffffff);
      t.diagnostic(`seed ${seed}`);
      const property = fc.asyncProperty(sequence, async (operations) => {
        await using subject = await start();
        const expected = new Expected();
        for (const [i, operation] of operations.entries()) {
          expected.apply(operation);
          expected.generation = i + 1;
          subject.dataplane.apply([operation], i + 1);
        }
        const snapshot = subject.dataplane.snapshot();
        assert.deepEqual(comparable(snapshot), comparable(expected));
        assert.deepEqual(comparable(readThrough(subject.dataplane.plan, snapshot)), comparable(expected));
        assert.deepEqual(comparable(walked(subject.dataplane.held())), comparable(expected));
      });
      await fc.assert(property, { seed, numRuns: numRuns(25) });
    });

    it("keeps the instance of an instance next hop to the last letter", async () => {
      await using subject = await start();
      subject.dataplane.apply([INSTANCE], 5);
      const { nextHops, generation } = subject.dataplane.snapshot();
      assert.ok(INSTANCE.type === "set-next-hop");
      assert.deepEqual(nextHops.get(3), { nextHop: INSTANCE.nextHop, state: "up" });
      assert.equal(generation, 5);
    });

    itWithPackets("handles every packet by the old plan or the new one after each operation", async () => {
      await using subject = await start();
      const { dataplane } = subject;
      dataplane.apply([TUNNEL, GROUPS[0]!, toOther], 1);
      const [before, after] = [toHex(OTHER_LOCATOR), toHex(THIRD_LOCATOR)];
      for (const flow of FLOWS) assert.equal(site(subject, flow), before);
      const steps: readonly Operation[] = [
        THIRD,
        { type: "set-slots", group: 7, slots: allSlots(9), backup: 1 },
        { type: "set-capability", entry: { address: CAPABILITY, group: 7, localGroup: 0 } },
        { type: "remove-group", group: 1 },
        { type: "set-slots", group: 7, slots: [], backup: 0 },
        { type: "remove-next-hop", index: 1 },
      ];
      for (const [i, step] of steps.entries()) {
        dataplane.apply([step], i + 2);
        for (const flow of FLOWS) {
          const seen = site(subject, flow);
          assert.ok(seen === before || seen === after, `after ${step.type} flow ${flow} meets ${seen}`);
        }
      }
      for (const flow of FLOWS) assert.equal(site(subject, flow), after);
    });

    itWithPackets("moves only the slots that it is told to move", async () => {
      await using subject = await start();
      const { dataplane } = subject;
      dataplane.apply([TUNNEL, THIRD, GROUPS[0]!, toOther], 1);
      const [stays, moves] = [toHex(OTHER_LOCATOR), toHex(THIRD_LOCATOR)];
      const half = allSlots(9).filter(({ slot }) => slot % 2 === 0);
      dataplane.apply([{ type: "set-slots", group: 1, slots: half, backup: 0 }], 2);
      const sites = FLOWS.map((flow) => site(subject, flow));
      assert.deepEqual(new Set(sites), new Set([stays, moves]), "both sites get flows");
      dataplane.apply(
        [
          {
            type: "set-slots",
            group: 1,
            slots: half.map((owner) => ({ ...owner, current: 1, previous: 1 })),
            backup: 0,
          },
        ],
        3,
      );
      for (const flow of FLOWS) assert.equal(site(subject, flow), stays);
    });

    itWithPackets("flips health with one call, and back", async () => {
      await using subject = await start();
      const { dataplane } = subject;
      dataplane.apply([TUNNEL, THIRD, { type: "set-slots", group: 1, slots: allSlots(1), backup: 9 }, toOther], 1);
      assert.equal(site(subject, 1), toHex(OTHER_LOCATOR));
      dataplane.setHealth(1, "down");
      assert.equal(site(subject, 1), toHex(THIRD_LOCATOR));
      assert.equal(dataplane.snapshot().nextHops.get(1)?.state, "down");
      dataplane.setHealth(9, "draining");
      assert.equal(site(subject, 1), "reject-empty-group");
      dataplane.setHealth(1, "up");
      assert.equal(site(subject, 1), toHex(OTHER_LOCATOR));
      assert.throws(() => dataplane.setHealth(77, "up"), RangeError);
    });

    itWithPackets("translates to a local instance", async () => {
      await using subject = await start();
      const here: Operation = { type: "set-capability", entry: { address: CAPABILITY, group: 2, localGroup: 3 } };
      subject.dataplane.apply([TUNNEL, LOCAL, INSTANCE, ...GROUPS, here], 1);
      const { verdict, frame } = subject.fromClient!(syn(4000));
      assert.equal(verdict, "delivered");
      assert.equal(toHex(frame.subarray(14 + 24, 14 + 40)), toHex(AGENT));
    });

    itWithPackets("counts verdicts by name, and packets, octets and flows by next hop", async () => {
      await using subject = await start();
      const { dataplane } = subject;
      dataplane.apply([TUNNEL, THIRD, GROUPS[0]!, toOther], 1);
      const before = new Map(dataplane.counters().verdicts);
      for (const flow of FLOWS) subject.fromClient!(syn(flow));
      subject.fromClient!(syn(1, SECOND_CAPABILITY));
      const { verdicts, nextHops } = dataplane.counters();
      const grown = (name: string) => verdicts.get(name)! - before.get(name)!;
      assert.deepEqual([...verdicts.keys()], [...VERDICTS]);
      assert.equal(grown("encapsulated"), BigInt(FLOWS.length));
      assert.equal(grown("reject-no-route"), 1n);
      const count = BigInt(FLOWS.length);
      assert.deepEqual(nextHops.get(1), { packets: count, bytes: 60n * count, flows: count });
      assert.deepEqual(nextHops.get(9), { packets: 0n, bytes: 0n, flows: 0n });
      dataplane.apply([{ type: "remove-next-hop", index: 9 }, { ...THIRD, state: "down" } as Operation], 2);
      assert.deepEqual([...dataplane.counters().nextHops.keys()].toSorted(), [1, 9]);
    });

    it("says when a table is full, with what went before in effect", async () => {
      await using subject = await start({ maxCapabilities: 2 });
      const { dataplane } = subject;
      const entry = (i: number): Operation => ({
        type: "set-capability",
        entry: { address: address(`fd5e:0:0:1:8001:1:${i}:0`), group: 0, localGroup: 0 },
      });
      const error = refusal(() => dataplane.apply([entry(1), entry(2), entry(1), entry(3), entry(4)], 9));
      assert.deepEqual(error.fault, { code: "dataplane.table-full", table: "capabilities", limit: 2 });
      assert.match(error.message, /operation 3 .*raise max-capabilities/);
      assert.equal(dataplane.snapshot().capabilities.size, 2);
      assert.equal(dataplane.snapshot().generation, 0, "the plan is not there as a whole");
      dataplane.apply([{ type: "remove-capability", address: address("fd5e:0:0:1:8001:1:1:0") }, entry(3)], 10);
      assert.equal(dataplane.snapshot().capabilities.size, 2);
      const beyond = refusal(() => dataplane.apply([{ ...TUNNEL, index: 60_000 } as Operation], 11));
      assert.equal(beyond.code, "dataplane.table-full");
      const policy = { ...POLICIES[0]!, index: 1_000_000 };
      assert.equal(refusal(() => dataplane.apply([policy], 11)).code, "dataplane.table-full");
    });

    it("a run of groups is as good as its operations, whatever is in it", async (t) => {
      const seed = Math.floor(Math.random() * 0x7fffffff);
      t.diagnostic(`seed ${seed}`);
      const index = often([0, 1, 9], [2, 60_000]);
      const group = fc.record({
        group: often([1, 2, 3, 4, 5], [0, 65_535]),
        slots: fc.array(fc.record({ current: index, previous: index }), { minLength: 3, maxLength: 3 }),
        backup: index,
      });
      const property = fc.asyncProperty(fc.array(fc.array(group, { maxLength: 5 }), { maxLength: 4 }), async (runs) => {
        await using subject = await start();
        await using model = startMemoryDataplane(OPTIONS, { log: SILENT });
        const { dataplane } = subject;
        for (const one of [dataplane, model]) one.apply([TUNNEL, THIRD], 1);
        for (const [i, run] of runs.entries()) {
          const operations = run.map(({ group: at, slots, backup }): Operation => {
            const owners = Array.from({ length: 64 }, (_, slot) => ({ slot, ...slots[slot % slots.length]! }));
            return { type: "set-slots", group: at, slots: owners, backup };
          });
          const packed = run.flatMap(({ slots }) =>
            Array.from({ length: 64 }, (_, slot) => slots[slot % 3]!).map((one) => one.current | (one.previous << 16)),
          );
          const columns: GroupRun = {
            ...{ count: run.length, groups: Uint32Array.from(run, (one) => one.group) },
            ...{ slots: Uint32Array.from(packed), backups: Uint32Array.from(run, (one) => one.backup) },
          };
          const set = () =>
            dataplane.setGroups ? dataplane.setGroups(columns, i + 2) : dataplane.apply(operations, i + 2);
          const wanted = outcome(() => model.apply(operations, i + 2));
          assert.equal(outcome(set), groups === undefined ? wanted : wanted.replace(OF_GROUPS, `$1${groups})`));
          assert.deepEqual(comparable(dataplane.snapshot()), comparable(model.snapshot()));
          assert.deepEqual(comparable(walked(dataplane.held())), comparable(model.snapshot()));
        }
        const rest = [...dataplane.snapshot().groups.keys()];
        dataplane.apply(
          rest.map((one) => ({ type: "remove-group", group: one }) as const),
          90,
        );
        dataplane.apply(
          [1, 9].map((one) => ({ type: "remove-next-hop", index: one }) as const),
          91,
        );
      });
      // Beyond the table, and wrong besides: the latter is said
      const nobody = { current: 60_000, previous: 0 };
      const worst = [{ group: 65_535, slots: [nobody, nobody, nobody], backup: 0 }];
      await fc.assert(property, { seed, numRuns: numRuns(40), examples: [[[worst]]] });
    });

    it("a batch is as good as its operations, whatever is in it, and however much room there is", async (t) => {
      const seed = Math.floor(Math.random() * 0x7fffffff);
      t.diagnostic(`seed ${seed}`);
      const property = fc.asyncProperty(batches, fc.integer({ min: 3, max: POOL.length }), async (steps, most) => {
        const options = { maxCapabilities: most };
        await using subject = await start(options);
        await using model = startMemoryDataplane({ ...OPTIONS, ...options }, { log: SILENT });
        const { dataplane } = subject;
        for (const one of [dataplane, model]) one.apply([TUNNEL, GROUPS[0]!, ...POLICIES], 1);
        for (const [i, { entries, removed }] of steps.entries()) {
          const batch = new CapabilityBatch(Math.max(1, entries.length));
          for (const { address: at, group, localGroup, policy, affinity } of entries)
            batch.push(at, group, localGroup, policy, affinity);
          const fill = () =>
            dataplane.fill ? dataplane.fill(batch, i + 2) : dataplane.apply(batch.operations(), i + 2);
          assert.equal(
            outcome(fill),
            outcome(() => model.apply(batch.operations(), i + 2)),
          );
          const removal = { type: "remove-capability", address: removed } as const;
          assert.equal(
            outcome(() => dataplane.apply([removal], i + 2)),
            outcome(() => model.apply([removal], i + 2)),
          );
          assert.deepEqual(comparable(dataplane.snapshot()), comparable(model.snapshot()));
          assert.deepEqual(comparable(walked(dataplane.held())), comparable(model.snapshot()));
        }
        const rest = dataplane.snapshot().capabilities.values();
        dataplane.apply([...rest.map(({ address: at }) => ({ type: "remove-capability", address: at }) as const)], 90);
        // Nothing names them any more, as every use was counted
        dataplane.apply(
          [
            { type: "remove-group", group: 1 },
            ...POLICIES.map(({ index }) => ({ type: "remove-policy", index }) as const),
          ],
          91,
        );
      });
      await fc.assert(property, { seed, numRuns: numRuns(60) });
    });

    const REFUSED: readonly { readonly name: string; readonly operation: Operation; readonly says: RegExp }[] = [
      {
        name: "a state of nothing",
        operation: { type: "set-next-hop-state", index: 50, state: "up" },
        says: /no next hop 50/,
      },
      { name: "removing nothing", operation: { type: "remove-next-hop", index: 50 }, says: /no next hop 50/ },
      {
        name: "removing what a group names",
        operation: { type: "remove-next-hop", index: 1 },
        says: /still named 128 times/,
      },
      {
        name: "another meaning of a living index",
        operation: { ...TUNNEL, nextHop: { kind: "local" } } as Operation,
        says: /remove it before/,
      },
      { name: "index 0", operation: { ...TUNNEL, index: 0 } as Operation, says: /not a next-hop index/ },
      {
        name: "a slot of an unknown owner",
        operation: { type: "set-slots", group: 1, slots: allSlots(50), backup: 0 },
        says: /no next hop 50/,
      },
      { name: "an unknown backup", operation: { type: "set-slots", group: 1, slots: [], backup: 50 }, says: /backup/ },
      {
        name: "a slot twice",
        operation: { type: "set-slots", group: 1, slots: [...allSlots(1), ...allSlots(1)], backup: 0 },
        says: /twice/,
      },
      {
        name: "slot 64",
        operation: { type: "set-slots", group: 1, slots: [{ slot: 64, current: 1, previous: 1 }], backup: 0 },
        says: /not a slot/,
      },
      {
        name: "removing a group that a capability names",
        operation: { type: "remove-group", group: 1 },
        says: /still named by 1/,
      },
      {
        name: "an unknown group",
        operation: { type: "set-capability", entry: { address: CAPABILITY, group: 50, localGroup: 0 } },
        says: /no group 50/,
      },
      {
        name: "an address outside the domain",
        operation: { type: "set-capability", entry: { address: AGENT, group: 0, localGroup: 0 } },
        says: /not in the domain/,
      },
      {
        name: "removing an unknown capability",
        operation: { type: "remove-capability", address: SECOND_CAPABILITY },
        says: /no capability/,
      },
      { name: "removing an unknown node", operation: { type: "remove-node", locator: OTHER_LOCATOR }, says: /no node/ },
      {
        name: "an instance id that is too long",
        operation: {
          ...INSTANCE,
          nextHop: { ...(INSTANCE as { nextHop: object }).nextHop, instance: "x".repeat(25) },
        } as Operation,
        says: /1 to 24/,
      },
    ];
    it("refuses what would leave a packet between two plans, and changes nothing then", async () => {
      await using subject = await start();
      const { dataplane } = subject;
      dataplane.apply([TUNNEL, GROUPS[0]!, toOther], 1);
      const before = comparable(dataplane.snapshot());
      for (const { name, operation, says } of REFUSED) {
        const error = refusal(() => dataplane.apply([operation], 2));
        assert.equal(error.code, "dataplane.bad-operation", name);
        assert.match(error.message, says, name);
        assert.match(error.message, /operation 0/, name);
        assert.deepEqual(comparable(dataplane.snapshot()), before, name);
      }
    });
  });
}
