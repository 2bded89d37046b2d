import type { Operation } from "../../../../forwarding/index.ts";
import { REFUSAL, REFUSALS } from "../../messages.ts";
import { toMessage } from "../../wire.ts";
import { applied, type ConformanceCase, demandNoRefusal, demandRead, say, withSmall } from "../case.ts";
import { capabilityAt, HOSTILE, instance, LOCATORS, randomOperation } from "../examples.ts";
import { demand } from "../line.ts";
import { emptyTables, tryOperation } from "../plans.ts";

const UP = 1;
const DOWN = 0;

/** Operations on the plan in effect, what is refused of them, and health. */
export const OPERATIONS: readonly ConformanceCase[] = [
  {
    name: "operations of each kind are in effect when they are acknowledged",
    rule: 4,
    async run(rig) {
      const { line, tables } = await withSmall(rig);
      await demandRead(line, tables);
      const removals: readonly Operation[] = [
        { type: "remove-capability", address: capabilityAt(1) },
        { type: "remove-group", group: 1 },
        { type: "remove-next-hop", index: 1 },
        { type: "remove-node", locator: LOCATORS[0]! },
      ];
      say(line, removals, 2);
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
      const states = Array.from({ length: 500 }, (_, i): Operation => {
        return { type: "set-next-hop-state", index: 1 + (i % 2), state: i % 3 === 0 ? "down" : "up" };
      });
      for (const [i, each] of states.entries()) say(line, [each], 2 + i);
      await line.settle();
      demandNoRefusal(line);
      await demandRead(line, applied(line, states, tables));
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
            `${name}: refused as ${code}, and not-allowed or malformed is due`,
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
      const good: readonly Operation[] = [instance(20), { type: "set-next-hop-state", index: 20, state: "down" }];
      const [before, behind] = good.map(toMessage);
      const first = line.operations([before!, HOSTILE[1]!.message, behind!], 2);
      await line.settle();
      const { name } = HOSTILE[1]!;
      demand(line.refusalOf(first) === undefined, `the operation before "${name}" was refused`);
      demand(line.refusalOf(first + 1) !== undefined, `${name}: it was not refused`);
      demand(line.refusalOf(first + 2) === undefined, `the operation behind "${name}" was refused`);
      await demandRead(line, applied(line, good, tables));
    },
  },
  {
    name: "a gap in the sequence ends the session, and the plan stays",
    rule: 4,
    async run(rig) {
      const { line, tables, planId } = await withSmall(rig);
      const far = line.sequence + 5;
      line.send({
        operations: { first: far, operations: [toMessage(instance(21))], generation: 2, completes: true },
      });
      await line.end(`operation ${far} came after ${line.sequence}`);
      using again = rig.line();
      await again.greet({ plan_id: planId, sequence: line.acknowledged });
      again.resume(line.acknowledged);
      await demandRead(again, tables);
    },
  },
  {
    name: "hostile orders at random: each is carried out or refused as the rules say",
    rule: 5,
    async run(rig) {
      const { line } = await rig.fresh();
      const tables = emptyTables(line.options);
      for (let round = 0; round < 40; round++) {
        const some = Array.from({ length: 25 }, () =>
          randomOperation(rig.random, { aggregates: rig.lack("aggregates") === undefined }),
        );
        const first = say(line, some, round + 1);
        await line.settle();
        for (const [i, operation] of some.entries()) {
          const refusal = line.refusalOf(first + i);
          const lacks = refusal?.code === REFUSAL.unsupported || refusal?.code === REFUSAL.tableFull;
          if (lacks) continue;
          const why = tryOperation(tables, operation);
          const which = `${operation.type} (seed ${rig.seed})`;
          demand(why === undefined || refusal !== undefined, `${which} was carried out: ${why}`);
          demand(why !== undefined || refusal === undefined, `${which} was refused: ${refusal?.reason}`);
        }
        await demandRead(line, tables);
      }
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
      const unchecked = { checks_sources: false, sources: [], accepts_tags: false, clamps_mss: false };
      const { ports } = await line.ports([{ interface: "conformance0", role: 0, tenant_index: 0, ...unchecked }]);
      const port = ports.find((each) => each.interface === "conformance0");
      demand(port !== undefined, "the port is not in the answer");
      demand(port.attached || port.reason !== "", "the port is not attached, and nothing says why");
    },
  },
];
