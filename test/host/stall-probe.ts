/*
 * Preloaded into a router: at SIGUSR2 it prints how long turns of the event loop have been since the last time, in
 * milliseconds of this thread's processor time, as other programs share the machine. A timer of a millisecond looks once in each
 * turn, so what it sees is a turn and at most a millisecond of those before. The router knows nothing of it.
 */
let turns: number[] = [];
let before = used();
setInterval(() => {
  const now = used();
  turns.push((now - before) / 1000);
  before = now;
}, 1).unref();

process.on("SIGUSR2", () => {
  const sorted = turns.toSorted((a, b) => a - b);
  turns = [];
  const [longest, p99] = [sorted.at(-1) ?? 0, sorted[Math.floor(sorted.length * 0.99)] ?? 0];
  process.stdout.write(`${JSON.stringify({ event: "test.stall", longest, p99 })}\n`);
});

/** The kernel brings a thread's account up to date at each tick (4 ms here), and when it is asked for that of its whole process. */
function used(): number {
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
