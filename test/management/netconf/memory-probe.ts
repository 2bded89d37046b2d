/*
 * Preloaded into a router: at SIGUSR2 it collects garbage and prints its resident memory and what V8 has
 * in use, in megabytes, and how many handles of the event loop are open. The router knows nothing of it.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

process.on("SIGUSR2", () => {
  collect();
  const { rss, heapUsed } = process.memoryUsage();
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1;
  process.stdout.write(
    `${JSON.stringify({ event: "test.memory", resident: rss / 1e6, heap: heapUsed / 1e6, handles })}\n`,
  );
});
