import { readdir, readFile, readlink } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** A process, told apart from later ones that get the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot, field 22 of /proc/<pid>/stat. */
  readonly startTime: string;
}

/** PF_EXITING. @see include/linux/sched.h */
const EXITING = 0x4;
const LIMIT_MS = 20_000;
/** So long all of a node may need to die; only later is it looked for what is left. */
const USUAL_MS = 500;

/** Fields of /proc/<pid>/stat from the third one, which is the state, on. */
async function statOf(pid: number): Promise<readonly string[] | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  // The second field is the command in parentheses and may hold anything.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

const isZombie = (stat: readonly string[]): boolean => stat[0] === "Z" || stat[0] === "X";

/** `undefined` if there is no such process. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await statOf(pid);
  const startTime = stat?.[19];
  // A zombie has ended: only its parent has not looked yet.
  return startTime === undefined || isZombie(stat!) ? undefined : { pid, startTime };
}

export async function isAlive(process: ProcessIdentity): Promise<boolean> {
  return (await identify(process.pid))?.startTime === process.startTime;
}

/** The PIDs of a process in its PID namespaces, outermost first. */
async function namespacePids(pid: number): Promise<readonly number[]> {
  const status = (await readIfThere(`/proc/${pid}/status`)) ?? "";
  const line = /^NSpid:\s*(.*)$/m.exec(status)?.[1] ?? "";
  return line.split(/\s+/).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ESRCH") throw cause;
  }
}

/** The processes of a PID namespace by its first one, itself among them: state and command of each. */
async function membersOf(init: number): Promise<readonly { readonly pid: number; readonly text: string }[]> {
  const namespaceOf = (pid: number | string) => readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);
  const namespace = await namespaceOf(init);
  if (namespace === undefined) return [];
  const members = [];
  for (const name of (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry))) {
    if ((await namespaceOf(name)) !== namespace) continue;
    const stat = await readIfThere(`/proc/${name}/stat`);
    const [, command, state, parent] = /\((.*)\) (\S) (\d+)/s.exec(stat ?? "") ?? [];
    if (state !== undefined)
      members.push({ pid: Number(name), text: `${name} (${command}), ${state}, child of ${parent}` });
  }
  return members;
}

/**
 * Whether the first process of a node is on its way out, without files and namespaces, and all others have ended. It waits in the
 * kernel until their parents have looked: one whose `nsenter` was killed is a child of process 1 then, which may reap nobody, as
 * that of a container that was started without an init.
 */
async function holdsNothing(init: number): Promise<boolean> {
  const flags = Number((await statOf(init))?.[6] ?? 0);
  if ((flags & EXITING) === 0) return false;
  for (const { pid } of await membersOf(init)) {
    const stat = pid === init ? undefined : await statOf(pid);
    if (stat !== undefined && !isZombie(stat)) return false;
  }
  return true;
}

/**
 * Ends a node: killing the first process of a PID namespace ends all others in it. Resolves when nothing of it runs or is held.
 *
 * @param carrier the process outside that waits for it
 * @throws Error with what is left of it after 20 s
 */
export async function endNode({
  init,
  carrier,
}: {
  readonly init: ProcessIdentity;
  readonly carrier: ProcessIdentity;
}): Promise<void> {
  // Only if it is still that process, and really the first of a namespace.
  if ((await isAlive(init)) && (await namespacePids(init.pid)).slice(1).at(-1) === 1) kill(init.pid);
  const began = performance.now();
  while ((await isAlive(init)) || (await isAlive(carrier))) {
    const waited = performance.now() - began;
    if (waited > USUAL_MS && (await isAlive(init)) && (await holdsNothing(init.pid))) {
      // It waits for the first process, which nobody will ever reap, and holds the node's interfaces.
      if (await isAlive(carrier)) kill(carrier.pid);
      else return;
    }
    if (waited > LIMIT_MS) {
      const left = (await membersOf(init.pid)).map(({ text }) => text).join("; ");
      throw new Error(`process ${init.pid} of the lab does not end: ${left || `its carrier ${carrier.pid} is left`}`);
    }
    await delay(5);
  }
}

export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ESRCH" || code === "ENOTDIR") return undefined;
    throw cause;
  }
}
