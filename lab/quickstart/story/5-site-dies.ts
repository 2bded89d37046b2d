import { expectThat, waitFor } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { countByAgent, succeeded } from "./requests.ts";
import { counted } from "./terminal.ts";

/** Both agents of r2 die: r2 withdraws its route, and the other site serves. */
export async function siteDies(context: StoryContext): Promise<Seen> {
  const { result, answers } = await context.asking(async (asker) => {
    await asker.more(10, context.signal);
    const killed = await context.kill("ocr-a");
    await context.kill("ocr-b");
    await waitFor("r1 has no route of r2 any more", {
      within: 10_000,
      signal: context.signal,
      look: async () => ((await context.ocrRoutes("r1")).has("r2") ? undefined : true),
    });
    const withdrawn = performance.now();
    await asker.more(60, context.signal);
    return { killed, withdrawn };
  });
  const { killed, withdrawn } = result;
  context.fact("ocr-a and ocr-b were killed with -9; r2 withdrew its route, and r1 had noticed", withdrawn - killed);

  const until = answers.filter((answer) => answer.began >= killed && answer.began < withdrawn);
  const failed = until.filter((answer) => !succeeded(answer));
  const later = answers.filter((answer) => answer.began >= withdrawn);
  const counts = countByAgent(later);
  expectThat(
    "who answers now",
    later.length > 0 && counts.size === 1 && counts.has("ocr-c"),
    "ocr-c behind r3, every time",
    Object.fromEntries(counts),
  );
  context.fact(
    `of ${counted(until.length, "request")} until then ${failed.length} failed; all ${later.length} since were answered by ocr-c behind r3`,
  );

  const revived = performance.now();
  await context.revive("ocr-a");
  await context.revive("ocr-b");
  await context.calm();
  context.fact("both were started again; r1 has r2's route again", performance.now() - revived);
  return { withdrawnMilliseconds: withdrawn - killed, failed: failed.length, afterwards: later.length };
}
