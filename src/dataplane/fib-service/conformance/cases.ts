import type { PlanTables } from "../../memory/plan-tables.ts";
import { type OperationMessage, PROTOCOL_VERSION, REFUSAL, REFUSALS } from "../messages.ts";
import { toMessage } from "../wire.ts";
import { capability, HOSTILE, instance, randomOperation, SMALL, slotsOf, tunnel } from "./examples.ts";
import { demand, type Line } from "./line.ts";
import { demandPlan, emptyTables, kindOf, tryOperation } from "./plans.ts";
import type { Rig } from "./rig.ts";

export interface ConformanceCase {
  readonly name: string;
  /** The rule of the protocol's README. */
  readonly rule: number;
  run(rig: Rig): Promise<void>;
}

const UP = 1;
const DOWN = 0;
const messages = (operations: Parameters<typeof toMessage>[0][]): OperationMessage[] => operations.map(toMessage);
const SMALL_MESSAGES = messages([...SMALL]);

function applied(line: Line, operations: readonly OperationMessage[], tables = emptyTables(line.options)): PlanTables {
  for (const message of operations) {
    const why = tryOperation(tables, kindOf(message));
    if (why !== undefined) throw new Error(`the example is wrong: ${why}`);
  }
  return tables;
}

async function demandRead(line: Line, wanted: PlanTables): Promise<void> {
  demandPlan(await line.read(), wanted, line.options);
}

function demandNoRefusal(line: Line): void {
  for (let sequence = 1; sequence <= line.sequence; sequence++) {
    const refusal = line.refusalOf(sequence);
    demand(refusal === undefined, `operation ${sequence} is allowed, and was refused: ${refusal?.reason}`);
  }
}

/** A line with the small plan in effect. */
async function withSmall(rig: Rig): Promise<{ line: Line; tables: PlanTables; planId: Uint8Array }> {
  const { line, planId } = await rig.fresh();
  line.operations(SMALL_MESSAGES, 1);
  await line.settle();
  demandNoRefusal(line);
  return { line, planId, tables: applied(line, SMALL_MESSAGES) };
}

export const CASES: readonly ConformanceCase[] = [
  {
    name: "welcome: version, name, window",
    rule: 2,
    async run(rig) {
      using line = rig.line();
      const { version, name, window } = await line.greet();
      demand(version === PROTOCOL_VERSION, `it speaks version ${version}, and ${PROTOCOL_VERSION} was asked`);
      demand(name !== "", "it has no name");
      demand(window <= 65_536, `a window of ${window} operations`);
    },
  },
  {
    name: "operations of each kind are in effect when they are acknowledged",
    rule: 4,
    async run(rig) {
      const { line, tables } = await withSmall(rig);
      await demandRead(line, tables);
      const removals = messages([
        {
          type: "remove-capability",
          address: (SMALL[8] as Extract<(typeof SMALL)[number], { type: "set-capability" }>).entry.address,
        },
        { type: "remove-group", group: 1 },
        { type: "remove-next-hop", index: 1 },
        { type: "remove-node", locator: (SMALL[0] as Extract<(typeof SMALL)[number], { type: "set-node" }>).locator },
      ]);
      line.operations(removals, 2);
      await line.settle();
      demandNoRefusal(line);
      await demandRead(line, applied(line, removals, tables));
    },
  },
  {
    name: "many messages without waiting: acknowledged in order, none twice, none too far",
    rule: 4,
    async run(rig) {
      const { line, tables } = await withSmall(rig);
      const states = Array.from({ length: 500 }, (_, i) => {
        return messages([{ type: "set-next-hop-state", index: 1 + (i % 2), state: i % 3 === 0 ? "down" : "up" }]);
      });
      for (const [i, each] of states.entries()) line.operations(each, 2 + i);
      await line.settle();
      demandNoRefusal(line);
      await demandRead(line, applied(line, states.flat(), tables));
    },
  },
  {
    name: "what would leave a packet between two plans is refused, with a reason, and has no effect",
    rule: 5,
    async run(rig) {
      const { line, tables } = await withSmall(rig);
      for (const { name, message, isAbsent } of HOSTILE) {
        const first = line.operations([message], 2);
        await line.settle();
        const refusal = line.refusalOf(first);
        demand(refusal !== undefined, `${name}: it was not refused`);
        const code = REFUSALS[refusal.code] ?? String(refusal.code);
        if (isAbsent === true) demand(refusal.code === REFUSAL.notFound, `${name}: refused as ${code}, not not-found`);
        else
          demand(
            [REFUSAL.notAllowed, REFUSAL.malformed, REFUSAL.notFound, REFUSAL.unsupported].some(
              (each) => each === refusal.code,
            ),
            `${name}: refused as ${code}`,
          );
      }
      await demandRead(line, tables);
    },
  },
  {
    name: "after a refusal the operations behind it go on, in the same message too",
    rule: 5,
    async run(rig) {
      const { line, tables } = await withSmall(rig);
      const good = messages([instance(20), { type: "set-next-hop-state", index: 20, state: "down" }]);
      const first = line.operations([good[0]!, HOSTILE[1]!.message, good[1]!], 2);
      await line.settle();
      demand(line.refusalOf(first) === undefined, "the operation before it was refused");
      demand(line.refusalOf(first + 1) !== undefined, "it was not refused");
      demand(line.refusalOf(first + 2) === undefined, "the operation behind it was refused");
      await demandRead(line, applied(line, good, tables));
    },
  },
  {
    name: "a gap in the sequence ends the session, and the plan stays",
    rule: 4,
    async run(rig) {
      const { line, tables, planId } = await withSmall(rig);
      line.send({
        operations: { first: line.sequence + 5, operations: messages([instance(21)]), generation: 2, completes: true },
      });
      await line.end();
      using again = rig.line();
      await again.greet({ plan_id: planId, sequence: line.acknowledged });
      again.resume(line.acknowledged);
      await demandRead(again, tables);
    },
  },
  {
    name: "another plan from nothing takes the place of the one before, at its end and not sooner",
    rule: 3,
    async run(rig) {
      const { line, tables } = await withSmall(rig);
      const next = messages([tunnel(7), slotsOf(9, 7), capability(50, 9)]);
      line.beginPlan(rig.newPlanId());
      line.operations(next, 5);
      await line.settle();
      await demandRead(line, tables);
      line.endPlan(5);
      await line.settle();
      demandNoRefusal(line);
      await demandRead(line, applied(line, next));
    },
  },
  {
    name: "the same indexes may mean something else in another plan",
    rule: 3,
    async run(rig) {
      const { line } = await withSmall(rig);
      const next = messages([instance(1), tunnel(4), slotsOf(1, 4), slotsOf(2, 1), capability(1, 1, 2)]);
      line.beginPlan(rig.newPlanId());
      line.operations(next, 5);
      line.endPlan(5);
      await line.settle();
      demandNoRefusal(line);
      await demandRead(line, applied(line, next));
    },
  },
  {
    name: "a plan that was not handed over to its end leaves the one before in effect",
    rule: 3,
    async run(rig) {
      const { line, tables, planId } = await withSmall(rig);
      const came = line.acknowledged;
      line.beginPlan(rig.newPlanId());
      line.operations(messages([tunnel(7)]), 5);
      await line.settle();
      line.cut();
      using again = rig.line();
      const welcome = await again.greet({ plan_id: planId, sequence: came });
      demand(Buffer.from(welcome.plan_id).equals(planId), "it says that it holds another plan");
      again.resume(came);
      await demandRead(again, tables);
    },
  },
  {
    name: "a session that breaks is resumed where it was",
    rule: 2,
    async run(rig) {
      const { line, tables, planId } = await withSmall(rig);
      line.cut();
      using again = rig.line();
      const { plan_id, sequence, generation } = await again.greet({ plan_id: planId, sequence: line.acknowledged });
      demand(Buffer.from(plan_id).equals(planId), "it does not hold the plan any more");
      demand(Number(sequence) === line.acknowledged, `it came to ${sequence}, and acknowledged ${line.acknowledged}`);
      demand(Number(generation) === 1, `it completed generation ${generation}, and 1 was the last`);
      again.resume(Number(sequence));
      const more = messages([instance(22)]);
      const first = again.operations(more, 2);
      await again.settle();
      demand(again.refusalOf(first) === undefined, "the first operation after the resume was refused");
      await demandRead(again, applied(again, more, tables));
    },
  },
  {
    name: "refusals that the router never heard of are said again",
    rule: 2,
    async run(rig) {
      const { line, planId } = await withSmall(rig);
      const heard = line.acknowledged;
      const first = line.operations([HOSTILE[1]!.message, ...messages([instance(23)])], 2);
      await line.settle();
      line.cut();
      using again = rig.line();
      const welcome = await again.greet({ plan_id: planId, sequence: heard });
      if (welcome.plan_id.length === 0) return;
      const said = welcome.refusals.map(({ sequence }) => Number(sequence));
      demand(said.length === 1 && said[0] === first, `operation ${first} was refused; said: ${said.join() || "none"}`);
    },
  },
  {
    name: "a second session of the router ends the first; another router is refused",
    rule: 1,
    async run(rig) {
      const { line, tables, planId } = await withSmall(rig);
      using foreign = rig.line({ router: "another-router" });
      foreign.hello();
      await foreign.end();
      using second = rig.line();
      await second.greet({ plan_id: planId, sequence: line.acknowledged });
      await line.end();
      second.resume(line.acknowledged);
      await demandRead(second, tables);
    },
  },
  {
    name: "operations before Hello end the session",
    rule: 1,
    async run(rig) {
      using line = rig.line();
      line.operations(messages([instance(24)]), 1);
      await line.end();
    },
  },
  {
    name: "a plan made with other settings is not held",
    rule: 1,
    async run(rig) {
      const { line, planId } = await withSmall(rig);
      line.cut();
      using other = rig.line({ tunnelMtu: line.options.tunnelMtu - 100 });
      const welcome = await other.greet({ plan_id: planId, sequence: line.acknowledged });
      demand(welcome.plan_id.length === 0, "it holds a plan that was made for another tunnel MTU");
    },
  },
  {
    name: "health is in effect when it is confirmed, and part of the plan",
    rule: 6,
    async run(rig) {
      const { line, tables } = await withSmall(rig);
      for (const [index, state] of [
        [1, DOWN],
        [4, DOWN],
        [1, UP],
      ] as const) {
        const refused = await line.health(index, state);
        demand(refused === "", `the health of next hop ${index} was refused: ${refused}`);
        tables.setState(index, state === UP ? "up" : "down");
        await demandRead(line, tables);
      }
      const refused = await line.health(999, DOWN);
      demand(refused !== "", "the health of a next hop that is not there was confirmed");
      await demandRead(line, tables);
    },
  },
  {
    name: "counters and ports are answered",
    rule: 4,
    async run(rig) {
      const { line } = await withSmall(rig);
      const { next_hops: hops } = await line.counters();
      for (const { next_hop: index } of hops)
        demand(index >= 1 && index <= 4, `counters of next hop ${index}, which is not there`);
      const unchecked = { checks_sources: false, sources: [], accepts_tags: false };
      const { ports } = await line.ports([{ interface: "conformance0", role: 0, tenant_index: 0, ...unchecked }]);
      const port = ports.find((each) => each.interface === "conformance0");
      demand(port !== undefined, "the port is not in the answer");
      demand(port.attached || port.reason !== "", "the port is not attached, and nothing says why");
    },
  },
  {
    name: "more capabilities than there is room for: refused as table-full, or there",
    rule: 5,
    async run(rig) {
      const { line } = await rig.fresh({ maxCapabilities: 4 });
      const operations = messages([tunnel(1), slotsOf(1, 1), ...[1, 2, 3, 4, 5, 6].map((i) => capability(i, 1))]);
      const first = line.operations(operations, 1);
      await line.settle();
      const taken = operations.filter((_, i) => {
        const refusal = line.refusalOf(first + i);
        const code = refusal && (REFUSALS[refusal.code] ?? refusal.code);
        demand(i < 6 || refusal === undefined || refusal.code === REFUSAL.tableFull, `refused as ${code}`);
        demand(i >= 6 || refusal === undefined, `what there is room for was refused as ${code}: ${refusal?.reason}`);
        return refusal === undefined;
      });
      const options = { ...line.options, maxCapabilities: 16 };
      const tables = emptyTables(options);
      for (const message of taken) tryOperation(tables, kindOf(message));
      demandPlan(await line.read(), tables, options);
    },
  },
  {
    name: "hostile orders at random: each is carried out or refused as the rules say",
    rule: 5,
    async run(rig) {
      const { line } = await rig.fresh();
      const tables = emptyTables(line.options);
      for (let round = 0; round < 40; round++) {
        const some = Array.from({ length: 25 }, () => toMessage(randomOperation(rig.random)));
        const first = line.operations(some, round + 1);
        await line.settle();
        for (const [i, message] of some.entries()) {
          const refusal = line.refusalOf(first + i);
          const lacks = refusal?.code === REFUSAL.unsupported || refusal?.code === REFUSAL.tableFull;
          if (lacks) continue;
          const why = tryOperation(tables, kindOf(message));
          const [kind] = Object.keys(message);
          demand(why === undefined || refusal !== undefined, `${kind} was carried out (seed ${rig.seed}): ${why}`);
          demand(
            why !== undefined || refusal === undefined,
            `${kind} was refused (seed ${rig.seed}): ${refusal?.reason}`,
          );
        }
        await demandRead(line, tables);
      }
    },
  },
  {
    name: "octets that are no message end the session and nothing else",
    rule: 8,
    async run(rig) {
      const { line, tables, planId } = await withSmall(rig);
      for (let i = 0; i < 20; i++) await rig.garbage();
      using again = rig.line();
      const welcome = await again.greet({ plan_id: planId, sequence: line.acknowledged });
      demand(Buffer.from(welcome.plan_id).equals(planId), "it lost its plan");
      again.resume(line.acknowledged);
      await demandRead(again, tables);
    },
  },
];
