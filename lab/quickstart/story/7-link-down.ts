import type { PeerBfd } from "../../../src/management/index.ts";
import { expectThat, waitFor } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { ROUTERS } from "./places.ts";
import { countByAgent, succeeded } from "./requests.ts";
import { counted } from "./terminal.ts";

/** Without BFD it would be the hold time of the sessions, and what it takes to act on it. */
const WITHIN = 15_000;
/** BFD's detection time is 150 ms. */
const BFD_WITHIN = 500;

/** What r1's BFD says about a neighbour. */
async function bfdOf(context: StoryContext, router: "r2" | "r3"): Promise<PeerBfd> {
  const peers = await context.semrctl("r1", "show peers");
  const bfd = peers.find(({ address }) => address === ROUTERS[router].locator)?.bfd;
  expectThat(`r1 watches the path to ${router} with BFD`, bfd !== undefined, "a BFD session", peers);
  return bfd;
}

/** r2's only link to the others goes down: r1 uses r3. */
export async function linkDown(context: StoryContext): Promise<Seen> {
  for (const name of ["r2", "r3"] as const) {
    const { state, failures } = await bfdOf(context, name);
    expectThat(
      `BFD between r1 and ${name} so far`,
      state === "Up" && failures === 0,
      "up, and the path never taken for broken",
      { state, failures },
    );
  }
  const { result, answers } = await context.asking(async (asker) => {
    await asker.more(10, context.signal);
    const [down, downAt] = [performance.now(), Date.now()];
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
    return { down, downAt, moved };
  });
  const { down, downAt, moved } = result;
  const { failedAt } = await bfdOf(context, "r2");
  const noticed = failedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(failedAt) - downAt;
  expectThat(
    "r1's BFD",
    noticed < BFD_WITHIN,
    `within ${BFD_WITHIN} ms (3 × 50 ms, and what it takes to cut the link)`,
    failedAt,
  );
  context.fact("the link between core and r2 went down; r1's data plane uses r3 alone (BFD, 3 × 50 ms)", noticed);
  context.fact("r1 dropped r2's route (the hold time of the session is 6 s)", moved - down);

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
  const { failures } = await bfdOf(context, "r3");
  expectThat("r1's BFD with r3 all the time", failures === 0, "never taken for broken", failures);
  return {
    noticedMilliseconds: noticed,
    movedMilliseconds: moved - down,
    failed: failed.length,
    afterwards: later.length,
  };
}
