import { type Log, messageOf } from "../../base/index.ts";
import type { Command } from "./commands.ts";
import { carryOut } from "./kernel.ts";

export interface CommandFeedParts {
  readonly log: Log;
  /** All that the kernel should hold, after a refusal. */
  everything(): Iterable<Command>;
}

const AGAIN_MS = { least: 200, most: 5000 } as const;
/** Lines that are made in one turn of the event loop. */
const SLICE = 512;

/** Carries commands out in their order, all that wait as one batch. What the kernel refuses is followed by everything, until it takes it. */
export class CommandFeed implements AsyncDisposable {
  readonly #parts: CommandFeedParts;
  #waiting: Command[] = [];
  #replay = false;
  #working: Promise<void> | undefined;
  #delay: number = AGAIN_MS.least;
  #wake: () => void = () => undefined;
  #closed = false;

  constructor(parts: CommandFeedParts) {
    this.#parts = parts;
  }

  push(commands: readonly Command[]): void {
    for (const command of commands) this.#waiting.push(command);
    if (this.#waiting.length > 0) this.#work();
  }

  replay(): void {
    this.#replay = true;
    this.#work();
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  /** What waits is carried out; what the kernel refuses now stays undone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.settled();
  }

  #work(): void {
    this.#working ??= this.#carryOut().finally(() => {
      this.#working = undefined;
    });
  }

  async #carryOut(): Promise<void> {
    await Promise.resolve();
    while (this.#replay || this.#waiting.length > 0) {
      const commands = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#replay) {
          this.#replay = false;
          await carryOut(await this.#all());
        } else await carryOut(commands);
        this.#delay = AGAIN_MS.least;
      } catch (cause) {
        this.#parts.log.warn("dataplane.linux.not-carried-out", { reason: messageOf(cause) });
        if (this.#closed) return;
        this.#replay = true;
        await this.#pause();
      }
    }
  }

  async #all(): Promise<readonly Command[]> {
    const commands: Command[] = [];
    for (const command of this.#parts.everything()) {
      commands.push(command);
      if (commands.length % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // They only replace, so their order is free as long as what is named comes first
    const rank = (command: Command): number => (command.startsWith("route") ? 2 : command.includes(" group ") ? 1 : 0);
    return commands.toSorted((a, b) => rank(a) - rank(b));
  }

  async #pause(): Promise<void> {
    const delay = this.#delay;
    this.#delay = Math.min(2 * delay, AGAIN_MS.most);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delay).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
