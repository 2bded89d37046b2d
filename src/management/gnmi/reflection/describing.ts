import { once } from "node:events";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { type Descriptions, describe } from "./descriptors.ts";

/*
 * Reading and describing the files takes tenths of a second, which would be one turn of the event loop: this file is also what
 * a thread of its own runs, once, when somebody asks for the first time.
 */

interface Task {
  readonly folder: string;
  readonly names: readonly string[];
}

/** @throws {Error} for files that are none, a defect */
export async function describeAside(folder: string, names: readonly string[]): Promise<Descriptions> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { folder, names } satisfies Task });
  try {
    const [descriptions] = (await once(worker, "message")) as [Descriptions];
    return descriptions;
  } finally {
    await worker.terminate();
  }
}

const task = workerData as Task | null;
if (task !== null) parentPort?.postMessage(describe(task.folder, task.names));
