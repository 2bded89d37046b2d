import { VirtualClock } from "./virtual-clock.ts";

/** Time is virtual and turns of the event loop are real: for what reads real sockets in turns. */
export class RealTurns extends VirtualClock {
  override soon(run: () => void): void {
    setImmediate(run);
  }
}
