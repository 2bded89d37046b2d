import process from "node:process";
import type { Clock } from "../../../src/base/index.ts";
import type { Connection, ConnectionHandlers, Listener, Transport } from "../../../src/bgp/speaker/index.ts";

export interface TurnWatch {
  /** Processor milliseconds of this thread in the longest turn so far. */
  readonly longest: number;
  readonly clock: Clock;
  transport(of: Transport): Transport;
}

/**
 * Measures the turns of the event loop by what comes into the program: timers, later turns and octets. A turn lasts from its first
 * callback to the end of the immediates of that round; what counts is processor time of this thread, since other programs share
 * the machine.
 */
export function watchTurns(clock: Clock): TurnWatch {
  let longest = 0;
  let open = false;
  const enter = (): void => {
    if (open) return;
    open = true;
    const before = process.threadCpuUsage();
    setImmediate(() => {
      open = false;
      const { user, system } = process.threadCpuUsage(before);
      longest = Math.max(longest, (user + system) / 1000);
    });
  };
  const watched = <A extends readonly unknown[]>(call: (...given: A) => void) => {
    return (...given: A): void => {
      enter();
      call(...given);
    };
  };
  const connection = (of: Connection): Connection =>
    new Proxy(of, {
      get(target, name) {
        if (name === "start") {
          return ({ data, closed, drained }: ConnectionHandlers): void => {
            target.start({ data: watched(data), closed: watched(closed), drained: watched(drained) });
          };
        }
        const found: unknown = Reflect.get(target, name, target);
        return typeof found === "function" ? found.bind(target) : found;
      },
    });
  return {
    get longest() {
      return longest;
    },
    clock: {
      wall: () => clock.wall(),
      monotonic: () => clock.monotonic(),
      after: (delay, fire) => clock.after(delay, watched(fire)),
      soon: (run) => clock.soon(watched(run)),
    },
    transport: (of) => ({
      connect: (options, done) =>
        of.connect(options, (result) => done(result instanceof Error ? result : connection(result))),
      listen: (local, guards, accept): Promise<Listener> =>
        of.listen(local, guards, (accepted) => accept(connection(accepted))),
    }),
  };
}
