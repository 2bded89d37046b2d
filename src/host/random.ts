import { randomFillSync } from "node:crypto";
import type { Random } from "../base/index.ts";

/** The chance of this machine: `fill` is fit for secrets, `next` is for jitter. */
export const systemRandom: Random = {
  next: () => Math.random(),
  fill: (octets) => void randomFillSync(octets),
};
