export interface Turns {
  /** Milliseconds of processor time of this thread in the longest turn of the event loop, and a millisecond more at most. */
  end(): number;
}

/** Watches the turns of this thread until it is ended: by processor time, as other programs share the machine. */
export function watchTurns(): Turns {
  let longest = 0;
  let before = process.threadCpuUsage();
  const look = (): void => {
    const now = process.threadCpuUsage();
    longest = Math.max(longest, (now.user + now.system - before.user - before.system) / 1000);
    before = now;
  };
  const timer = setInterval(look, 1);
  return {
    end() {
      look();
      clearInterval(timer);
      return longest;
    },
  };
}
