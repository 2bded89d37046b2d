import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { DataplaneDriver } from "../../../src/dataplane/index.ts";
import type { Case, CaseOutcome } from "./case.ts";
import { GROUPS } from "./cases/index.ts";
import type { StartWorld } from "./world.ts";

/** Names a folder that gets `<driver>.json`: how `matrix.ts` learns what became of each case. */
export const RESULTS_FOLDER = "SEMR_SUITE_RESULTS";

/** What a driver's run leaves in the results folder. */
export interface DriverResults {
  readonly driver: string;
  readonly cases: Readonly<Record<string, CaseOutcome>>;
}

/** Runs every case against a driver, each in a world of its own. One that the driver cannot is skipped with its reason. */
export function dataplaneSuite(driver: string, start: StartWorld): void {
  const cases: Record<string, CaseOutcome> = {};
  after(() => {
    const folder = process.env[RESULTS_FOLDER];
    if (folder !== undefined)
      writeFileSync(join(folder, `${driver}.json`), JSON.stringify({ driver, cases } satisfies DriverResults));
  });
  const judge = judgeOf(start);
  for (const group of GROUPS)
    describe(`${driver}: ${group.title}`, () => {
      for (const each of group.cases)
        it(each.name, async (t) => {
          const outcome = await judge(each);
          cases[`${group.title}: ${each.name}`] = outcome.said;
          if (outcome.said.result === "cannot") t.skip(`cannot: ${outcome.said.why}`);
          if (outcome.tells !== undefined) t.diagnostic(outcome.tells);
          if (outcome.said.result === "fails") throw outcome.cause;
        });
    });
}

type Judged = { readonly said: CaseOutcome; readonly cause?: unknown; readonly tells?: string };

/** What a driver cannot do is learnt from the first world: no other is made for such a case. */
function judgeOf(start: StartWorld): (each: Case) => Promise<Judged> {
  let known: DataplaneDriver["cannot"] | undefined;
  return async (each) => {
    let tells: string | undefined;
    try {
      let why = known && whyNot(each, known);
      if (why !== undefined) return { said: { result: "cannot", why } };
      await using world = await start(each.ports === undefined ? {} : { ports: each.ports });
      known = world.dataplane.cannot;
      why = whyNot(each, known);
      if (why !== undefined) return { said: { result: "cannot", why } };
      try {
        await each.run(world);
      } catch (cause) {
        tells = world.tells?.();
        throw cause;
      }
      return { said: { result: "ok" } };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      return { said: { result: "fails", why }, cause, ...(tells === undefined ? {} : { tells }) };
    }
  };
}

function whyNot({ needs }: Case, cannot: DataplaneDriver["cannot"]): string | undefined {
  const reasons = needs.flatMap((feature) => {
    const why = cannot.get(feature);
    return why === undefined ? [] : [`${feature}: ${why}`];
  });
  return reasons.length === 0 ? undefined : reasons.join("; ");
}
