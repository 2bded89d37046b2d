import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/**
 * MiB that this process holds once what nobody needs is collected: objects and buffers. What is resident also tells of garbage, which is
 * the collector's choice, and of how busy the machine was.
 */
export function heldMemory(): number {
  // The first one finds what nobody needs; buffers among it are given back by the time the second one begins.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
}
