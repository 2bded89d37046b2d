import { type Clock, type Log, messageOf, milliseconds, type Timer } from "../base/index.ts";

/** What a service manager gives to a process that it starts. @see sd_notify(3), sd_watchdog_enabled(3) */
export interface ServiceEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

export interface ServiceManagerParts {
  readonly environment: ServiceEnvironment;
  readonly pid: number;
  /** One datagram to a UNIX socket by its path. */
  readonly send: (path: string, text: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Tells whoever started this process how it is: that it runs, restarts in its own place or ends, and, where asked for, that
 * its event loop turns. Without a service manager it does nothing.
 */
export class ServiceManager implements Disposable {
  readonly #parts: ServiceManagerParts;
  readonly #socket: string | undefined;
  #beat: Timer | undefined;
  #isUnheard = false;

  constructor(parts: ServiceManagerParts) {
    this.#parts = parts;
    this.#socket = parts.environment.NOTIFY_SOCKET || undefined;
  }

  /** The router runs; `status` is what a person sees of it. */
  ready(status: string): void {
    this.#tell(`READY=1\nSTATUS=${status}`);
    const interval = this.#watchdogInterval();
    if (interval !== undefined) this.#watch(interval);
  }

  /** This process is about to become another run of the same program, which says that it is ready. */
  restarting(): void {
    this.#tell("RELOADING=1\nSTATUS=restarting");
  }

  stopping(): void {
    this.#tell("STOPPING=1\nSTATUS=stopping; pinned tables go on forwarding");
  }

  [Symbol.dispose](): void {
    this.#beat?.cancel();
  }

  #watch(interval: number): void {
    this.#beat = this.#parts.clock.after(milliseconds(interval), () => {
      this.#tell("WATCHDOG=1");
      this.#watch(interval);
    });
  }

  /** Milliseconds: half of what is allowed, as sd_watchdog_enabled(3) advises. */
  #watchdogInterval(): number | undefined {
    const { WATCHDOG_USEC: allowed, WATCHDOG_PID: of } = this.#parts.environment;
    if (this.#socket === undefined || allowed === undefined || !/^[1-9]\d*$/.test(allowed)) return undefined;
    if (of !== undefined && of !== String(this.#parts.pid)) return undefined;
    return Math.max(1, Math.floor(Number(allowed) / 2000));
  }

  #tell(text: string): void {
    if (this.#socket === undefined) return;
    try {
      this.#parts.send(this.#socket, text);
      this.#isUnheard = false;
    } catch (cause) {
      if (!this.#isUnheard)
        this.#parts.log.warn("service-manager.unheard", { socket: this.#socket, reason: messageOf(cause) });
      this.#isUnheard = true;
    }
  }
}
