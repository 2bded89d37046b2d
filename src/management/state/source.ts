import type { Path } from "../datastore/index.ts";

/** One node of operational state: a container or a list entry with what is in it. */
export interface StateRow {
  /** Every step with its module, every list with all its keys (canonical). */
  readonly path: Path;
  /**
   * RFC 7951 object of what is in the node, its keys left out; members without a module are of the module of the path's
   * last step. Containers and lists may stand in it. Leaves that do not apply are not there.
   */
  readonly value: Readonly<Record<string, unknown>>;
}

/** Tells that the row at `path` is another one now, or is gone; keys that are missing stand for all entries. */
export type StateChanged = (path: Path) => void;

/** A part of the router that knows one kind of state. It makes its rows when it is asked, and keeps none. */
export interface StateSource {
  /** The node that its rows fill, with every module and without keys. */
  readonly path: Path;
  /** Its rows may be as many as there are routes: an answer that is one document is refused beyond a limit. */
  readonly isBulk?: true;
  /**
   * Rows that a reader of `wanted` has to see: `path` with the keys that narrow it. A source may give more, never less.
   * It is read while the router works on, so it is no snapshot; the reader ends it early where it has enough.
   */
  rows(wanted: Path): Iterable<StateRow> | AsyncIterable<StateRow>;
  /** Absent: it changes with every packet or second, and is sampled. */
  watch?(changed: StateChanged): Disposable;
}
