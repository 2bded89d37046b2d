import { messageOf, milliseconds } from "../../base/index.ts";
import { systemClock } from "../../host/index.ts";
import type { Beginning } from "./beginning.ts";
import type { Parts } from "./doors.ts";

/** A restarted router goes on without the verdict of a health check that does not come. */
const FIRST_VERDICTS_TIMEOUT = milliseconds(10_000);
/** How often it is tried to replace the program of an earlier process, while that fails. */
const TAKE_OVER_AGAIN = milliseconds(5_000);
/** How often it is looked whether the first plan is there as a whole. */
const COMPILED_CHECK = milliseconds(50);

/**
 * After a start: first the own instances, then what the neighbours know; only then may anything that was found be taken away.
 * Resolves when that is done, or when the router ends.
 */
export async function converge({ scope, log }: Beginning, parts: Parts): Promise<void> {
  const { health, origination, speaker, brownfield, feed, compiler, driver, formers, paths, capabilityEvents } = parts;
  const { signal } = scope;
  try {
    await Promise.race([health.settled, elapsed(FIRST_VERDICTS_TIMEOUT, signal)]);
    await Promise.race([origination.settled(), aborted(signal)]);
    if (signal.aborted) return;
    speaker.localStateConverged();
    await Promise.race([speaker.neighborsHeard, aborted(signal)]);
    // What they said is read and judged in slices, and what is not judged yet would be taken for what nobody has
    await Promise.race([brownfield?.settled(), aborted(signal)]);
    await Promise.race([feed.settled(), aborted(signal)]);
    if (signal.aborted) return;
    compiler.converged();
    paths.judge();
    capabilityEvents.converged();
    log.info("router.converged");
    while (compiler.pending > 0 && !signal.aborted) await elapsed(COMPILED_CHECK, signal);
    await takeOver(driver, log, signal);
    if (!signal.aborted) await formers.remove();
  } catch (cause) {
    log.error("router.convergence-failed", { reason: messageOf(cause) });
  }
}

/** Until then the program of an earlier process may forward: what hinders it, as a foreign program on a port, may go. */
async function takeOver(driver: Parts["driver"], log: Beginning["log"], signal: AbortSignal): Promise<void> {
  for (let told: string | undefined; !signal.aborted; await elapsed(TAKE_OVER_AGAIN, signal)) {
    try {
      return await driver.converged?.();
    } catch (cause) {
      const reason = messageOf(cause);
      if (reason !== told) log.error("dataplane.not-taken-over", { reason });
      told = reason;
    }
  }
}

function elapsed(delay: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = systemClock.after(milliseconds(delay), resolve);
  signal.addEventListener("abort", () => {
    timer.cancel();
    resolve();
  });
  return promise;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
