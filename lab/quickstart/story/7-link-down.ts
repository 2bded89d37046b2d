import { expectThat, waitFor } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { countByAgent, succeeded } from "./requests.ts";
import { counted } from "./terminal.ts";

/** The hold time of the sessions, and what it takes to act on it. */
const WITHIN = 15_000;

/** r2's only link to the others goes down: r1 uses r3. */
export async function linkDown(context: StoryContext): Promise<Seen> {
  const { result, answers } = await context.asking(async (asker) => {
    await asker.more(10, context.signal);
    const down = performance.now();
    await context.run("core", "ip", "link", "set", "dev", "eth2", "down");
    await waitFor("r1 uses r3 alone", {
      within: WITHIN,
      signal: context.signal,
      look: async () => {
        const route = (await context.ocrRoutes("r1")).get("r2");
        return route === undefined || route.status === "excluded" ? true : undefined;
      },
    });
    const moved = performance.now();
    await asker.more(60, context.signal);
    return { down, moved };
  });
  const { down, moved } = result;
  context.fact("the link between core and r2 went down; r1 dropped r2's route (hold time 6 s)", moved - down);

  const until = answers.filter((answer) => answer.began >= down && answer.began < moved);
  const failed = until.filter((answer) => !succeeded(answer));
  const later = answers.filter((answer) => answer.began >= moved);
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

  const restored = performance.now();
  await context.run("core", "ip", "link", "set", "dev", "eth2", "up");
  await context.run("core", "ip", "address", "replace", "fd00:0:2::c/64", "dev", "eth2", "nodad");
  await context.run("core", "ip", "-6", "route", "replace", "fd00:ffff::2/128", "via", "fd00:0:2::1");
  await context.calm();
  context.fact("the link came up again; so did the session, and r1 has r2's route again", performance.now() - restored);
  return { movedMilliseconds: moved - down, failed: failed.length, afterwards: later.length };
}
