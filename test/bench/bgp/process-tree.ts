import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks a second, of `/proc/PID/stat`: 100 on every Linux that Node runs on. */
const TICKS = 100;

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
    let threads: string[] = [];
    try {
      threads = readdirSync(`/proc/${found[i]}/task`);
    } catch {
      continue;
    }
    for (const thread of threads) {
      for (const child of read(`/proc/${found[i]}/task/${thread}/children`).split(" ")) {
        if (child !== "" && !found.includes(Number(child))) found.push(Number(child));
      }
    }
  }
  return found;
}

export function usageOf(root: number): Usage {
  let [cpu, peak, resident] = [0, 0, 0];
  for (const pid of treeOf(root)) {
    const fields = read(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, "")
      .split(" ");
    cpu += (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS;
    const status = read(`/proc/${pid}/status`);
    peak += Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
    resident += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
  }
  return { cpu, peak, resident };
}
