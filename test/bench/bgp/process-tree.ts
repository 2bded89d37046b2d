import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks a second, of `/proc/PID/stat`: 100 on every Linux that Node runs on. */
const TICKS = 100;
/** Two of them: what `stat` says is cut to one, for user and system each. */
const CUT = 2 / TICKS;

export interface Usage {
  /** Processor seconds of the process and all that descend from it, living ones. */
  readonly cpu: number;
  /** Largest resident memory of each, added up, in MB. */
  readonly peak: number;
  readonly resident: number;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended meanwhile
  }
}

/** The process and its descendants. */
export function treeOf(root: number): readonly number[] {
  const found = [root];
  for (let i = 0; i < found.length; i++) {
    for (const thread of entries(`/proc/${found[i]}/task`)) {
      for (const child of read(`/proc/${found[i]}/task/${thread}/children`).split(" ")) {
        if (child !== "" && !found.includes(Number(child))) found.push(Number(child));
      }
    }
  }
  return found;
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // it has ended meanwhile
  }
}

/** In ticks, and of all threads there have been; to the nanosecond where the kernel says so and no thread has ended. */
function cpuOf(pid: number): number {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, "")
    .split(" ");
  const ticks = (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS;
  let exact = 0;
  for (const thread of entries(`/proc/${pid}/task`)) {
    exact += Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(" ")[0] ?? 0) / 1e9;
  }
  return exact >= ticks && exact - ticks <= CUT ? exact : ticks;
}

export function usageOf(root: number): Usage {
  let [cpu, peak, resident] = [0, 0, 0];
  for (const pid of treeOf(root)) {
    cpu += cpuOf(pid);
    const status = read(`/proc/${pid}/status`);
    peak += Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
    resident += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
  }
  return { cpu, peak, resident };
}
