import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

/** A wait that is in vain: so long a process has been neither ready nor waiting for a processor. */
const PATIENCE_MS = 60_000;

/** For how long the main thread of a process has waited for a processor, where the kernel says so. Milliseconds. */
function waited(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "latin1").split(" ")[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** The next message of a child that is asked for one. Time in which others had the processors does not count against it. */
export function answerOf(what: string, child: ChildProcess, ask: () => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const [began, before] = [performance.now(), waited(child.pid!)];
    const look = setInterval(() => {
      const had = performance.now() - began - (waited(child.pid!) - before);
      if (had > PATIENCE_MS) fail(`no answer within ${had.toFixed(0)} ms in which it could have run`);
    }, 1000);
    const done = () => {
      clearInterval(look);
      child.off("message", answered).off("exit", ended).off("error", failed);
    };
    const answered = (said: unknown) => {
      done();
      resolve(said);
    };
    const fail = (why: string, cause?: unknown) => {
      done();
      reject(new Error(`${what}: ${why}`, { cause }));
    };
    const ended = (code: number | null, signal: string | null) => fail(`ended with ${code ?? signal}`);
    const failed = (cause: Error) => fail(cause.message, cause);
    child.on("message", answered).on("exit", ended).on("error", failed);
    ask();
  });
}
