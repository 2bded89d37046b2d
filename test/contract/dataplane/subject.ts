import type { DataplaneDriver, DataplaneOptions } from "../../../src/dataplane/index.ts";

/** What became of one frame. */
export interface Seen {
  readonly verdict: string;
  readonly frame: Uint8Array;
}

/** A data plane under test, with a way to put packets in. */
export interface Subject extends AsyncDisposable {
  readonly dataplane: DataplaneDriver;
  /** One frame from a client of tenant 1. Absent: nothing comes in but on a wire. */
  fromClient?(frame: Uint8Array): Seen;
  /** Resolves when whoever carries operations out has done so. Absent: that is so at once. */
  settled?(): Promise<void>;
  /** What the driver had to say about operations that were not carried out as they should be. */
  complaints?(): readonly string[];
}

export type StartSubject = (options?: Partial<DataplaneOptions>) => Promise<Subject>;
