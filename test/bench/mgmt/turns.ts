import { threadMilliseconds } from "../thread-time.ts";

export interface Turns {
  /** Milliseconds of processor time of this thread in the longest turn of the event loop, and a millisecond more at most. */
  end(): number;
}

/** Watches the turns of this thread until it is ended: by processor time, as other programs share the machine. */
export function watchTurns(): Turns {
  let longest = 0;
  let before = threadMilliseconds();
  const look = (): void => {
    const now = threadMilliseconds();
    longest = Math.max(longest, now - before);
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
