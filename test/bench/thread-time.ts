/**
 * Milliseconds of a processor that this thread has had. The kernel brings a thread's account up to date at each tick (4 ms here), and
 * when it is asked for that of its whole process.
 */
export function threadMilliseconds(): number {
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
