import { expectEqual, expectThat, waitFor } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { OCR_URL } from "./places.ts";
import { countByAgent, succeeded } from "./requests.ts";
import { counted } from "./terminal.ts";

/** The longest that an agent's death may go unnoticed: two checks that fail, 200 ms apart, and their time-outs. */
const DETECTED_WITHIN = 2_000;
/** From the router's knowledge to the last packet that was on its way before. */
const IN_FLIGHT = 100;

/** An agent is killed with -9: a moment later nobody notices any more. */
export async function agentDies(context: StoryContext): Promise<Seen> {
  const { result, answers } = await context.asking(async (asker) => {
    await asker.more(10, context.signal);
    const killed = await context.kill("ocr-a");
    const detected = await context.healthEvent("ocr-a", "health.down", killed);
    await context.agentState("ocr-a", "down", 10_000);
    await asker.more(100, context.signal);
    return { killed, detected };
  });
  const { killed, detected } = result;
  const took = detected - killed;
  expectThat("the router notices", took <= DETECTED_WITHIN, `within ${DETECTED_WITHIN} ms`, `${took.toFixed(0)} ms`);
  context.fact("ocr-a was killed with -9; r2's health check found out", took);

  const until = answers.filter((answer) => answer.began >= killed && answer.began < detected + IN_FLIGHT);
  const failed = until.filter((answer) => !succeeded(answer));
  const later = answers.filter((answer) => answer.began >= detected + IN_FLIGHT);
  expectThat("requests after that", later.every(succeeded), "all succeed", Object.fromEntries(countByAgent(later)));
  const counts = countByAgent(later);
  expectEqual("requests answered by the dead agent", counts.get("ocr-a") ?? 0, 0);
  const split = [...counts].map(([agent, count]) => `${agent} ${count}`).join(", ");
  context.fact(
    `of ${counted(until.length, "request")} until then ${failed.length} failed; of the ${later.length} since, none did (${split})`,
  );

  const revived = performance.now();
  await context.revive("ocr-a");
  const up = await context.healthEvent("ocr-a", "health.up", revived);
  const first = await waitFor("ocr-a serves again", {
    within: 20_000,
    every: 0,
    signal: context.signal,
    look: async () => ((await context.request(OCR_URL)).agent === "ocr-a" ? performance.now() : undefined),
  });
  context.fact("started again, ocr-a was found healthy and serves again", first - revived);
  return {
    detectedMilliseconds: took,
    failed: failed.length,
    afterwards: later.length,
    healthyMilliseconds: up - revived,
  };
}
