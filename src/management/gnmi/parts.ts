import type { Clock, Log, Metrics } from "../../base/index.ts";
import type { Model as Words } from "../../words/index.ts";
import type { Management } from "../datastore/index.ts";
import type { AccessBook } from "../nacm/index.ts";
import type { StateBook } from "../state/index.ts";
import type { LeafMaker } from "./leaves.ts";
import type { PathReader } from "./paths.ts";
import type { SchemaRoot } from "./schema-tree.ts";

/** What all operations go by. */
export interface Model {
  readonly root: SchemaRoot;
  readonly paths: PathReader;
  readonly leaves: LeafMaker;
  /** How paths and values are written as words; made when it is first asked for. */
  readonly words: () => Words;
  readonly modules: readonly { readonly name: string; readonly organization: string; readonly revision: string }[];
}

export interface OperationParts {
  readonly management: Management;
  readonly access: AccessBook;
  readonly state: StateBook;
  readonly model: Model;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** As messages have the time: the wall clock is in milliseconds. */
export const nanoseconds = (clock: Pick<Clock, "wall">): bigint => BigInt(Math.round(clock.wall() * 1000)) * 1000n;
