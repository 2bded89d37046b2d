import type { CountersReport } from "../../../src/management/index.ts";
import { expectEqual, expectThat } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { OCR, OCR_AGENTS } from "./places.ts";
import { countByAgent, succeeded } from "./requests.ts";

const REQUESTS = 200;
/** Standard deviations that a share may be off: a fair choice fails this once in millions of runs. */
const TOLERANCE = 5;

/** Many requests spread over the instances by weight; what the routers counted is what the client saw. */
export async function spreadByWeight(context: StoryContext): Promise<Seen> {
  const before = await flows(context);
  const began = performance.now();
  const answers = await context.requestMany(REQUESTS, { parallel: 4 });
  const took = performance.now() - began;
  expectEqual("requests answered", answers.length, REQUESTS);
  expectThat(
    "every request succeeds",
    answers.every(succeeded),
    "200 × status 200",
    Object.fromEntries(countByAgent(answers)),
  );
  context.fact(`${REQUESTS} requests, each over a connection of its own: all answered`, took);

  const after = await flows(context);
  const seen = countByAgent(answers);
  const weights = OCR_AGENTS.reduce((sum, agent) => sum + agent.weight, 0);
  const rows = OCR_AGENTS.map((agent) => {
    const share = agent.weight / weights;
    const count = seen.get(agent.name) ?? 0;
    const counted = (after.get(agent.id) ?? 0) - (before.get(agent.id) ?? 0);
    const allowed = TOLERANCE * Math.sqrt(REQUESTS * share * (1 - share));
    expectThat(
      `share of ${agent.name}`,
      Math.abs(count - REQUESTS * share) <= allowed,
      `${REQUESTS * share} ± ${allowed.toFixed(0)} by its weight`,
      count,
    );
    expectEqual(
      `flows that ${agent.router} counted for ${agent.name}, and answers that the client saw`,
      counted,
      count,
    );
    return {
      agent: agent.name,
      router: agent.router,
      weight: agent.weight,
      expected: REQUESTS * share,
      count,
      counted,
    };
  });
  const total = rows.reduce((sum, row) => sum + row.counted, 0);
  expectEqual("sum of the instances' counters", total, REQUESTS);
  context.fact(`the instances' shares follow their weights, and the routers' own counters add up to ${total}`);
  context.narrator.table([
    ["instance", "behind", "weight", "by weight", "client saw", "router counted", ""],
    ...rows.map((row) => [
      row.agent,
      row.router,
      String(row.weight),
      String(row.expected),
      String(row.count),
      String(row.counted),
      "■".repeat(Math.round((row.count / REQUESTS) * 40)),
    ]),
  ]);
  return { requests: REQUESTS, milliseconds: took, instances: rows };
}

/** New flows by agent, as both sites counted them. */
async function flows(context: StoryContext): Promise<Map<string, number>> {
  const reports: CountersReport[] = [
    await context.semrctl("r2", "show counters"),
    await context.semrctl("r3", "show counters"),
  ];
  const instances = reports.flatMap((report) => report.instances).filter((instance) => instance.capability === OCR);
  return new Map(instances.map((instance) => [instance.name, Number(instance.flows)]));
}
