import { monitorEventLoopDelay } from "node:perf_hooks";

/*
 * Preloaded into a router: at SIGUSR2 it prints how long turns of the event loop have been since the last time, in
 * milliseconds. The router knows nothing of it.
 */
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
process.on("SIGUSR2", () => {
  const [longest, p99] = [delay.max / 1e6, delay.percentile(99) / 1e6];
  delay.reset();
  process.stdout.write(`${JSON.stringify({ event: "test.stall", longest, p99 })}\n`);
});
