import type { Clock } from "../../base/index.ts";
import { milliseconds } from "../../base/index.ts";
import { localName, type Path, type PathStep } from "../datastore/index.ts";
import type { StateChanged, StateRow, StateSource } from "./source.ts";

/** Longest run of making rows before other work of the process gets its turn. @see DESIGN section 7 */
const SLICE = milliseconds(4);
/** The clock is read once in so many rows. */
const ROWS_PER_LOOK = 16;
/** Rows that are handed out at once, at most: whoever takes them has work with them in the same turn. */
const MOST_ROWS = 128;

/** All operational state of the router, by where it stands in the model. */
export class StateBook {
  readonly #clock: Clock;
  readonly #sources: StateSource[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Until what it returns is disposed. */
  add(...sources: readonly StateSource[]): Disposable {
    this.#sources.push(...sources);
    return {
      [Symbol.dispose]: () => {
        for (const source of sources) this.#sources.splice(this.#sources.indexOf(source), 1);
      },
    };
  }

  /** Those that have something at, above or below `select`, in which keys may be missing and names be wildcards. */
  find(select: Path): readonly StateSource[] {
    return this.#sources.filter(({ path }) => mayMeet(path, select));
  }

  /**
   * Rows at, above or below `select`, a few at a time: never more than 4 ms of work between two turns of the event loop.
   * A row above what is selected is given whole.
   */
  async *read(select: Path): AsyncGenerator<readonly StateRow[], void, void> {
    for (const source of this.find(select)) yield* this.readSource(source, select);
  }

  /** Calls `changed` for each change that may be seen by `select`; sources without `watch` are sampled by who wants them. */
  watch(select: Path, changed: StateChanged): Disposable {
    const watches = this.find(select).flatMap((source) => {
      const watch = source.watch?.((path) => {
        if (mayMeet(path, select)) changed(path);
      });
      return watch === undefined ? [] : [watch];
    });
    return {
      [Symbol.dispose]: () => {
        for (const watch of watches) watch[Symbol.dispose]();
      },
    };
  }

  /** As {@link read}, of one source. */
  async *readSource(source: StateSource, select: Path): AsyncGenerator<readonly StateRow[], void, void> {
    const clock = this.#clock;
    const rows = source.rows(narrowed(source.path, select));
    const isChosen = select.some(
      ({ name, keys, value }) => name === "..." || keys !== undefined || value !== undefined,
    );
    let slice: StateRow[] = [];
    let seen = 0;
    let started = clock.monotonic();
    const isDue = (row: StateRow): boolean => {
      if (!isChosen || mayMeet(row.path, select)) slice.push(row);
      seen++;
      return slice.length >= MOST_ROWS || (seen % ROWS_PER_LOOK === 0 && clock.monotonic() - started >= SLICE);
    };
    const taken = (): readonly StateRow[] => {
      const rows = slice;
      slice = [];
      return rows;
    };
    const pause = async (): Promise<void> => {
      await new Promise<void>((resolve) => clock.soon(resolve));
      started = clock.monotonic();
    };

    if (Symbol.asyncIterator in rows) {
      for await (const row of rows) {
        if (!isDue(row)) continue;
        if (slice.length > 0) yield taken();
        await pause();
      }
    } else {
      for (const row of rows) {
        if (!isDue(row)) continue;
        if (slice.length > 0) yield taken();
        await pause();
      }
    }
    if (slice.length > 0) yield taken();
  }
}

/**
 * Whether one of the paths may be the other, or above it. What a path leaves open fits everything; so does what comes
 * after `...`, as it may be inside a row.
 */
export function mayMeet(a: Path, b: Path): boolean {
  for (let i = 0; i < a.length; i++) {
    const step = a[i]!;
    const other = b[i];
    if (other === undefined || other.name === "..." || step.name === "...") return true;
    if (!agree(step, other)) return false;
  }
  return true;
}

function agree(a: PathStep, b: PathStep): boolean {
  if (!sameName(a, b)) return false;
  if (a.value !== undefined && b.value !== undefined && isOther(a.value, b.value)) return false;
  if (a.keys === undefined || b.keys === undefined) return true;
  for (const [key, value] of Object.entries(a.keys)) {
    const other = b.keys[key];
    if (other !== undefined && isOther(value, other)) return false;
  }
  return true;
}

const isOther = (a: string, b: string): boolean => a !== b && a !== "*" && b !== "*";

/** A module that one of them leaves out is not looked at. */
function sameName(a: PathStep, b: PathStep): boolean {
  if (a.name === b.name) return true;
  const [x, y] = [localName(a), localName(b)];
  if (x !== "*" && y !== "*" && x !== y) return false;
  return !a.name.includes(":") || !b.name.includes(":") || moduleOf(a) === moduleOf(b);
}

const moduleOf = ({ name }: PathStep): string => name.slice(0, name.indexOf(":"));

/** `path` with the keys that `select` has for the same step. */
function narrowed(path: Path, select: Path): Path {
  const any = select.findIndex(({ name }) => name === "...");
  const reach = any < 0 ? select.length : any;
  return path.map((step, i) => {
    const keys = Object.entries((i < reach && select[i]?.keys) || {}).filter(([, value]) => value !== "*");
    return keys.length === 0 ? step : { ...step, keys: Object.fromEntries(keys) };
  });
}
