import { performance } from "node:perf_hooks";
import { type Clock, milliseconds } from "../base/index.ts";
import { LaterTurns } from "./later-turns.ts";

/** The most that setTimeout takes. */
const LONGEST_TIMEOUT = 0x7fff_ffff;

const TURNS = new LaterTurns({ now: () => performance.now(), immediate: setImmediate });

/** The time of this machine. */
export const systemClock: Clock = {
  wall: () => milliseconds(Date.now()),
  monotonic: () => milliseconds(performance.now()),
  after(delay, fire) {
    if (!(delay >= 0)) throw new RangeError(`a timer cannot be armed with a delay of ${delay}`);
    const due = performance.now() + delay;
    let timeout: NodeJS.Timeout;
    // setTimeout may fire a fraction of a millisecond early and takes 31 bits at most: armed again until it is due.
    const arm = (): void => {
      const left = Math.min(Math.ceil(due - performance.now()), LONGEST_TIMEOUT);
      timeout = setTimeout(() => (performance.now() < due ? arm() : fire()), Math.max(0, left));
    };
    arm();
    return { cancel: () => clearTimeout(timeout) };
  },
  soon: (run) => TURNS.soon(run),
};
