import { parseIpv6Prefix, type Random } from "../../../base/index.ts";
import type { Feature } from "../../features.ts";
import type { ExecutorChannel } from "../channel.ts";
import { SINCE, type WelcomeMessage } from "../messages.ts";
import { DOMAIN, OWN_LOCATOR } from "./examples.ts";
import { demand, Line, type LineOptions } from "./line.ts";

/** Opens lines to the executor under test, and closes those that a case left open. */
export class Rig implements AsyncDisposable {
  readonly random: Pick<Random, "next">;
  readonly seed: number;
  readonly #channel: ExecutorChannel;
  /** What it says that it cannot. */
  readonly declines: ReadonlySet<string>;
  readonly #options: LineOptions;
  readonly #welcome: Pick<WelcomeMessage, "version" | "cannot">;
  readonly #lines: Line[] = [];

  constructor(
    channel: ExecutorChannel,
    options: {
      readonly deadline: number;
      readonly seed: number;
      readonly maxCapabilities: number;
      /** Of another session. */
      readonly welcome: Pick<WelcomeMessage, "version" | "cannot">;
    },
  ) {
    this.#welcome = options.welcome;
    this.declines = new Set(options.welcome.cannot.map(({ feature }) => feature));
    this.#channel = channel;
    this.seed = options.seed;
    this.random = seeded(options.seed);
    this.#options = {
      ...{ router: "semrd-fib-conformance", domain: parseIpv6Prefix(DOMAIN)!, locator: OWN_LOCATOR },
      ...{ tunnelMtu: 1500, deadline: options.deadline, maxCapabilities: options.maxCapabilities },
    };
  }

  /** Why the executor cannot, by its own account or by the version that it speaks; `undefined`: it can. */
  lack(feature: Feature): string | undefined {
    const { version, cannot } = this.#welcome;
    const since = (SINCE as Partial<Record<Feature, number>>)[feature];
    if (since !== undefined && version < since) return `it speaks version ${version}, which has it not`;
    return cannot.find((each) => each.feature === feature)?.reason;
  }

  line(changes: Partial<LineOptions> = {}): Line {
    const line = new Line(this.#channel, { ...this.#options, ...changes });
    this.#lines.push(line);
    return line;
  }

  /** A line with an empty plan in effect. */
  async fresh(changes: Partial<LineOptions> = {}): Promise<{ readonly line: Line; readonly planId: Uint8Array }> {
    const line = this.line(changes);
    await line.greet();
    const planId = this.newPlanId();
    line.beginPlan(planId);
    line.endPlan(0);
    await line.settle();
    demand(line.refusalOf(1) === undefined, "an empty plan was refused");
    return { line, planId };
  }

  newPlanId(): Uint8Array {
    return Uint8Array.from({ length: 16 }, () => Math.floor(this.random.next() * 256));
  }

  /** Octets that are hardly a message, on a session of their own; resolves when it has ended, or stands there unmoved. */
  async garbage(): Promise<void> {
    const call = this.#channel.octets();
    const over = Promise.withResolvers<void>();
    call.on("error", () => over.resolve());
    call.on("end", () => over.resolve());
    call.on("data", () => over.resolve());
    call.write(
      Buffer.from(Array.from({ length: 1 + Math.floor(this.random.next() * 60) }, () => this.random.next() * 256)),
    );
    call.end();
    const timer = setTimeout(over.resolve, this.#options.deadline);
    await over.promise;
    clearTimeout(timer);
    call.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines.splice(0)) line.cut();
  }
}

/** Mulberry32: the same sequence for the same seed. */
function seeded(seed: number): Pick<Random, "next"> {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { next };
}
