import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { Executor } from "../../../lab/fib-executor/executor.ts";
import type { Clock } from "../../../src/base/index.ts";
import {
  type FibServiceDataplane,
  type FibServiceOptions,
  startFibServiceDataplane,
} from "../../../src/dataplane/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { systemClock, systemRandom } from "../../../src/host/index.ts";
import { ListLog, TallyMetrics } from "../../sim/tally-metrics.ts";
import { CAPABILITY, GROUPS, INSTANCE, LOCAL, OPTIONS, OTHER_LOCATOR, TUNNEL } from "../memory/story.ts";

/** A capability with an instance here and another site. */
export const PLAN: readonly Operation[] = [
  ...[TUNNEL, LOCAL, INSTANCE],
  ...GROUPS,
  { type: "set-capability", entry: { address: CAPABILITY, group: 2, localGroup: 3 } },
  { type: "set-node", locator: OTHER_LOCATOR },
];

export const hop = (index: number): Operation => ({
  type: "set-next-hop",
  index,
  nextHop: { kind: "local" },
  state: "up",
});

/** An executor that listens on loopback, in this process. */
export class Listening implements AsyncDisposable {
  readonly server: Server;
  readonly port: number;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.port = port;
  }

  static async start(
    executor: Executor,
    { port = 0, credentials = ServerCredentials.createInsecure() } = {},
  ): Promise<Listening> {
    const server = new Server();
    server.addService(executor.service, executor.implementation);
    const bound = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`[::1]:${port}`, credentials, (cause, at) => (cause === null ? resolve(at) : reject(cause)));
    });
    return new Listening(server, bound);
  }

  /** At once: sessions break off. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.server.forceShutdown();
  }
}

export interface Driven extends AsyncDisposable {
  readonly driver: FibServiceDataplane;
  readonly log: ListLog;
  readonly metrics: TallyMetrics;
}

/** The driver, with what it logs and counts. */
export async function driven(
  port: number,
  options: Partial<FibServiceOptions> = {},
  clock: Clock = systemClock,
): Promise<Driven> {
  const [log, metrics] = [new ListLog(), new TallyMetrics()];
  const driver = await startFibServiceDataplane(
    { ...OPTIONS, router: "r1", executor: { host: "::1", port }, ...options },
    { clock, random: systemRandom, log, metrics },
  );
  return { driver, log, metrics, [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose]() };
}

/** Waits until `holds`, looking each 10 ms, for at most 20 s. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`it did not happen within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
