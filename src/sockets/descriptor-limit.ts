import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import type { Clock } from "../base/index.ts";

/** Descriptors that connections of whoever comes do not get, for files, neighbours, probes and operators. */
const KEPT = 64;
/** Of a limit that is small itself. */
const MOST_KEPT = 1 / 4;
/** Milliseconds after which the limit is looked at anew: somebody may have raised it. */
const AGE = 1_000;

/** How many descriptors this process may have, and when few of them are left. */
export class DescriptorLimit {
  readonly #clock: Clock;
  #most = limitNow() ?? Number.POSITIVE_INFINITY;
  #lookedAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lookedAt = clock.monotonic();
  }

  get most(): number {
    return this.#most;
  }

  /**
   * How many there are open, where few are left; `undefined`: enough. The kernel gives each connection the lowest descriptor that is
   * free, so that all below it are in use: nothing has to be counted.
   */
  nearBy(accepted: Socket): number | undefined {
    const { _handle: handle } = accepted as Socket & { readonly _handle?: { readonly fd?: number } | null };
    const open = (handle?.fd ?? -1) + 1;
    if (open <= this.#enough()) return undefined;
    const now = this.#clock.monotonic();
    if (now - this.#lookedAt >= AGE) {
      this.#lookedAt = now;
      this.#most = limitNow() ?? this.#most;
    }
    return open <= this.#enough() ? undefined : open;
  }

  #enough(): number {
    return this.#most - Math.min(KEPT, Math.floor(this.#most * MOST_KEPT));
  }
}

/** `undefined`: there is none, or no descriptor left to look with. @see proc_pid_limits(5) */
function limitNow(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
