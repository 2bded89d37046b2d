import { PerformanceObserver, performance } from "node:perf_hooks";
import type { Clock } from "../../../src/base/index.ts";
import type { Connection, ConnectionHandlers, Listener, Transport } from "../../../src/bgp/speaker/index.ts";
import { threadMilliseconds } from "../thread-time.ts";

/** Processor milliseconds of this thread. */
export interface LongestTurns {
  readonly longest: number;
  /** Of that one, what the garbage collector took. */
  readonly collecting: number;
  /** The longest one where its work is not counted. */
  readonly own: number;
}

export interface TurnWatch {
  /** So far. */
  readonly longest: number;
  readonly clock: Clock;
  transport(of: Transport): Transport;
  /** Since this was asked last. */
  take(): LongestTurns;
}

/** Shorter ones are not looked at one by one. */
const NOTABLE = 1;

interface Turn {
  readonly from: number;
  readonly to: number;
  readonly cpu: number;
}

/**
 * Measures the turns of the event loop by what comes into the program: timers, later turns and octets. A turn lasts from its first
 * callback to the end of the immediates of that round; what counts is processor time of this thread, since other programs share
 * the machine.
 */
export function watchTurns(clock: Clock): TurnWatch {
  let longest = 0;
  let open = false;
  let turns: Turn[] = [];
  const collections: { readonly from: number; readonly to: number }[] = [];
  const keep = (entries: readonly { readonly startTime: number; readonly duration: number }[]): void => {
    for (const { startTime, duration } of entries) collections.push({ from: startTime, to: startTime + duration });
  };
  const observer = new PerformanceObserver((list) => keep(list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  const collectingIn = ({ from, to, cpu }: Turn): number => {
    const within = collections.map((one) => Math.max(0, Math.min(to, one.to) - Math.max(from, one.from)));
    return Math.min(
      cpu,
      within.reduce((sum, time) => sum + time, 0),
    );
  };
  const enter = (): void => {
    if (open) return;
    open = true;
    const before = threadMilliseconds();
    const from = performance.now();
    setImmediate(() => {
      open = false;
      const cpu = threadMilliseconds() - before;
      const to = performance.now();
      longest = Math.max(longest, cpu);
      if (cpu >= NOTABLE) turns.push({ from, to, cpu });
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
    take() {
      keep(observer.takeRecords());
      let found: LongestTurns = { longest: 0, collecting: 0, own: 0 };
      for (const turn of turns) {
        const collecting = collectingIn(turn);
        const own = Math.max(found.own, turn.cpu - collecting);
        found = turn.cpu > found.longest ? { longest: turn.cpu, collecting, own } : { ...found, own };
      }
      turns = [];
      collections.length = 0;
      return found;
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
