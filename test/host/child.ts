/** Processes that a test has begun, which may have ended before anybody waits for that. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

const LIMIT_MS = 60_000;

/** How it has ended, or ends: its code, or the signal that ended it. */
export async function ended(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode ?? child.signalCode;
}

/** Ends it. */
export async function killed(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  child.kill(signal);
  await ended(child);
}

/**
 * The first line on its standard output, which another reader may read on.
 *
 * @throws {Error} when it ends before, or does not say one within a minute
 */
export async function firstLine(child: ChildProcess, what = child.spawnargs.join(" ")): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const heard = (part: Buffer | string): void => {
    text += part;
    if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
  };
  const over = (code: number | null, signal: NodeJS.Signals | null): void =>
    reject(new Error(`${what} ended with ${code ?? signal} before it had said a line: ${JSON.stringify(text)}`));
  const limit = setTimeout(
    () => reject(new Error(`${what} did not say a line within ${LIMIT_MS / 1000} s: ${JSON.stringify(text)}`)),
    LIMIT_MS,
  );
  child.stdout!.on("data", heard);
  // Its output is complete then.
  child.on("close", over).on("error", reject);
  try {
    return await promise;
  } finally {
    clearTimeout(limit);
    child.stdout!.off("data", heard);
    child.off("close", over).off("error", reject);
  }
}

/**
 * The next message of a child that is asked for one.
 *
 * @throws {Error} when it ends before, or does not answer within a minute
 */
export async function answered(child: ChildProcess, ask: () => unknown = () => {}): Promise<unknown> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(LIMIT_MS)]);
  const ends = once(child, "exit", { signal }).then(([code, by]) => {
    throw new Error(`${child.spawnargs.join(" ")} ended with ${code ?? by} instead of an answer`);
  });
  ends.catch(() => {}); // heard below, if it matters
  try {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${child.spawnargs.join(" ")} has ended with ${child.exitCode ?? child.signalCode}`);
    const said = once(child, "message", { signal });
    said.catch(() => {});
    ask();
    return (await Promise.race([said, ends]))[0];
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new Error(`${child.spawnargs.join(" ")} did not answer within ${LIMIT_MS / 1000} s`, { cause });
  } finally {
    over.abort();
  }
}
