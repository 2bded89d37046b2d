import type { Feature, PortOptions } from "../../../src/dataplane/index.ts";
import type { World } from "./world.ts";

/** Something that every data plane does, shown by packets. */
export interface Case {
  readonly name: string;
  /** What the driver must be able to do for it. A driver that cannot is not run: the matrix shows its reason. */
  readonly needs: readonly Feature[];
  /** Other ports than the story's. */
  readonly ports?: readonly PortOptions[];
  /** Throws what `node:assert` throws when it is not so. The world is fresh. */
  run(world: World): Promise<void>;
}

export interface CaseGroup {
  readonly title: string;
  readonly cases: readonly Case[];
}

export type CaseOutcome =
  | { readonly result: "ok" }
  | { readonly result: "fails"; readonly why: string }
  | { readonly result: "cannot"; readonly why: string };
