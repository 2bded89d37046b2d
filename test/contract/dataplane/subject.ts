import type { DataplaneDriver, DataplaneOptions } from "../../../src/dataplane/index.ts";

/** What became of one frame. */
export interface Seen {
  readonly verdict: string;
  readonly frame: Uint8Array;
}

/** A data plane under test, with a way to put packets in. */
export interface Subject extends AsyncDisposable {
  readonly dataplane: DataplaneDriver;
  /** One frame from a client of tenant 1. */
  fromClient(frame: Uint8Array): Seen;
}

export type StartSubject = (options?: Partial<DataplaneOptions>) => Promise<Subject>;
