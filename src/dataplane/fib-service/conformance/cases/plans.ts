import { REFUSAL, REFUSALS } from "../../messages.ts";
import { applied, type ConformanceCase, demandNoRefusal, demandRead, say, withSmall } from "../case.ts";
import { capability, instance, slotsOf, tunnel } from "../examples.ts";
import { demand } from "../line.ts";
import { demandPlan, emptyTables, tryOperation } from "../plans.ts";
import { demandHolds } from "./sessions.ts";

/** Whole plans, one after the other. */
export const PLANS: readonly ConformanceCase[] = [
  {
    name: "another plan from nothing takes the place of the one before, at its end and not sooner",
    rule: 3,
    async run(rig) {
      const { line, tables } = await withSmall(rig);
      const next = [tunnel(7), slotsOf(9, 7), capability(50, 9)];
      line.beginPlan(rig.newPlanId());
      say(line, next, 5);
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
      const next = [instance(1), tunnel(4), slotsOf(1, 4), slotsOf(2, 1), capability(1, 1, 2)];
      line.beginPlan(rig.newPlanId());
      say(line, next, 5);
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
      say(line, [tunnel(7)], 5);
      await line.settle();
      line.cut();
      using again = rig.line();
      const welcome = await again.greet({ plan_id: planId, sequence: came });
      demandHolds(welcome.plan_id, planId);
      again.resume(came);
      await demandRead(again, tables);
    },
  },
  {
    name: "more capabilities than there is room for: refused as table-full, or there",
    rule: 5,
    async run(rig) {
      const { line } = await rig.fresh({ maxCapabilities: 4 });
      const operations = [tunnel(1), slotsOf(1, 1), ...[1, 2, 3, 4, 5, 6].map((i) => capability(i, 1))];
      const first = say(line, operations, 1);
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
      for (const operation of taken) tryOperation(tables, operation);
      demandPlan(await line.read(), tables, options);
    },
  },
];
