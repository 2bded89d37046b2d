import { corpusDigest } from "../agents/corpus.mjs";
import { expectEqual, expectThat, waitFor } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { agentNamed, OCR_URL, ROUTERS } from "./places.ts";
import { countByAgent, succeeded } from "./requests.ts";

/** Eight seconds of download: long enough to lose a control plane in the middle of. */
const LENGTH = 8_000_000;
const RATE = 1_000_000;
const NEW_CONNECTIONS = 60;

/** r2's control plane is killed with -9 while its data plane carries a download. */
export async function routerDies(context: StoryContext): Promise<Seen> {
  await using download = await downloadThrough(context, "r2");
  const killed = await context.kill("r2");
  context.fact(
    `semrd on r2 was killed with -9, in the middle of a download of ${LENGTH / 1e6} MB from ${download.agent}`,
  );

  const answers = await context.requestMany(NEW_CONNECTIONS, { parallel: 2 });
  const counts = countByAgent(answers);
  expectThat(
    "new connections while r2 has no control plane",
    answers.every(succeeded),
    "all succeed",
    Object.fromEntries(counts),
  );
  const throughR2 = [...counts]
    .filter(([name]) => agentNamed(name).router === "r2")
    .reduce((sum, [, count]) => sum + count, 0);
  expectThat("some of them go through r2", throughR2 > 0, "answers of ocr-a or ocr-b", Object.fromEntries(counts));
  context.fact(
    `${NEW_CONNECTIONS} new connections meanwhile: all answered, ${throughR2} of them through r2's pinned tables`,
  );

  const kept = (await context.ocrRoutes("r1")).get("r2");
  expectThat("r1's route of r2", kept?.stale === true, "kept as stale (graceful restart)", kept ?? "gone");
  context.fact("r1 keeps the route of r2, marked stale: graceful restart");

  const restarted = performance.now();
  await context.revive("r2");
  const status = await waitFor("semrd runs again on r2", {
    within: 30_000,
    every: 200,
    signal: context.signal,
    look: async () => {
      const found = await context.semrctl("r2", "show status").catch(() => undefined);
      return found?.state === "running" ? found : undefined;
    },
  });
  expectThat("what the new process finds", status.dataplane.adopted, "forwarding state taken over", status.dataplane);
  context.fact("the new semrd adopted the pinned tables and programs", performance.now() - restarted);

  const fresh = await waitFor("r1's route of r2 is fresh again", {
    within: 30_000,
    every: 100,
    signal: context.signal,
    look: async () => {
      const route = (await context.ocrRoutes("r1")).get("r2");
      return route !== undefined && !route.stale ? performance.now() : undefined;
    },
  });
  const peers = await context.semrctl("r1", "show peers");
  const peer = peers.find((one) => one.address === ROUTERS.r2.locator);
  expectThat(
    "r2 says that its forwarding survived",
    peer?.gracefulRestart?.forwardingPreserved === true,
    "F bit set",
    peer ?? "no peer",
  );
  context.fact(
    "the session is back; r2 says that it kept forwarding (F bit), and r1's route is fresh",
    fresh - restarted,
  );

  const { digest, milliseconds } = await download.finished;
  expectEqual("SHA-256 of the download", digest, corpusDigest(LENGTH));
  context.fact(`the download completed and its SHA-256 is right: ${digest.slice(0, 16)}…`, milliseconds);
  await context.calm();
  return { outageMilliseconds: restarted - killed, freshMilliseconds: fresh - restarted, throughR2, digest };
}

interface Download extends AsyncDisposable {
  readonly agent: string;
  readonly finished: Promise<{ readonly digest: string; readonly milliseconds: number }>;
}

/** Starts downloads until one goes through `router`; gives that one once it has begun. */
async function downloadThrough(context: StoryContext, router: string): Promise<Download> {
  const url = `${OCR_URL}corpus?bytes=${LENGTH}&rate=${RATE}`;
  const line = `rm -f /run/head; curl --no-progress-meter --fail --max-time 60 --dump-header /run/head '${url}' | sha256sum`;
  return await waitFor(`a download through ${router}`, {
    within: 30_000,
    every: 0,
    signal: context.signal,
    look: async () => {
      const began = performance.now();
      const running = context.lab.spawn("client", ["sh", "-c", line]);
      let text = "";
      running.stdout.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      running.stderr.resume();
      const agent = await waitFor("the first octets of a download", {
        within: 10_000,
        signal: context.signal,
        look: async () => {
          const head = await context.lab.exec("client", ["cat", "/run/head"], { signal: context.signal });
          return /^x-agent: (\S+)/im.exec(head.stdout)?.[1];
        },
      });
      if (agentNamed(agent).router !== router) {
        await running[Symbol.asyncDispose]();
        return undefined;
      }
      const finished = running.exited.then(() => ({
        digest: text.slice(0, 64),
        milliseconds: performance.now() - began,
      }));
      finished.catch(() => {}); // heard when it is awaited
      return { agent, finished, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
    },
  });
}
