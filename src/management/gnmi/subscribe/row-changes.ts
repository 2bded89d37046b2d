import { messageOf, milliseconds, type Timer } from "../../../base/index.ts";
import { type Access, formatPath, type Path } from "../../datastore/index.ts";
import { readableRows, type StateRow } from "../../state/index.ts";
import type { Leaf } from "../leaves.ts";
import type { OperationParts } from "../parts.ts";
import { dataPath, type Pattern } from "../paths.ts";
import type { ValueEncoding } from "../values.ts";
import { pathOf } from "../wire.ts";
import type { LeafWatch, Watched } from "./change-feed.ts";

/** Changes of a row within this are one. */
const GATHER = milliseconds(5);
/** More rows than this that changed at once are found by reading all. */
const MOST_DIRTY = 512;
/** The key of what stands for all rows. */
const ALL = "*";
/** Leaves whose values are remembered, so that only what differs is told. */
const MOST_REMEMBERED = 200_000;

/**
 * State that tells of its changes, as changes of leaves. Of tables that are large it remembers nothing: a row that
 * changed is then told whole, after a delete of what it was.
 */
export class RowChanges implements Disposable {
  readonly #parts: OperationParts;
  readonly #pattern: Pattern;
  readonly #encoding: ValueEncoding;
  readonly #access: Access | undefined;
  readonly #told: LeafWatch;
  readonly #watch: Disposable;
  readonly #dirty = new Map<string, Path>();
  /** Those that are in it as the objects that they are: a source may tell of one row a thousand times before it is read. */
  readonly #marked = new Set<Path>();
  /** Leaves by row. */
  readonly #known = new Map<string, ReadonlyMap<string, Buffer>>();
  #remembered = 0;
  #timer: Timer | undefined;
  #isReading = false;
  #isClosed = false;

  constructor(parts: OperationParts, { pattern, encoding, access }: Watched, told: LeafWatch) {
    this.#parts = parts;
    this.#pattern = pattern;
    this.#encoding = encoding;
    this.#access = access;
    this.#told = told;
    this.#watch = parts.state.watch(dataPath(pattern), (path) => this.#changed(path));
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#watch[Symbol.dispose]();
    this.#known.clear();
  }

  #changed(path: Path): void {
    // Then it is armed, or being read, after which it is.
    if (this.#marked.has(path) || this.#dirty.size > MOST_DIRTY) return;
    const before = this.#dirty.size;
    if (before < MOST_DIRTY) {
      this.#dirty.set(formatPath(path), path);
      if (this.#dirty.size > before) this.#marked.add(path);
    } else this.#dirty.set(ALL, dataPath(this.#pattern));
    this.#arm();
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#isReading || this.#isClosed || this.#dirty.size === 0) return;
    this.#timer = this.#parts.clock.after(GATHER, () => {
      this.#timer = undefined;
      this.#isReading = true;
      void this.#read()
        .catch((cause) => this.#parts.log.error("gnmi.state-failed", { reason: messageOf(cause) }))
        .finally(() => {
          this.#isReading = false;
          this.#arm();
        });
    });
  }

  async #read(): Promise<void> {
    const all = this.#dirty.get(ALL);
    const paths = all === undefined ? [...this.#dirty.values()] : [all];
    this.#dirty.clear();
    this.#marked.clear();
    for (const path of paths) {
      const seen = new Set<string>();
      for await (const rows of this.#parts.state.read(path)) {
        if (this.#isClosed) return;
        for (const row of readableRows(rows, this.#access)) this.#row(row, path, seen);
      }
      this.#gone(path, seen);
    }
  }

  #row(row: StateRow, path: Path, seen: Set<string>): void {
    const { leaves: maker } = this.#parts.model;
    const at = maker.rowMatch(row, this.#pattern);
    if (at === undefined || row.path.length < path.length) return;
    seen.add(at.place.key);
    const leaves = [...maker.ofRow(row, this.#pattern, { encoding: this.#encoding })];
    const before = this.#known.get(at.place.key);
    if (before === undefined) {
      if (this.#isBulk(row)) this.#told.remove(at.place.key, at.place.elems);
      for (const leaf of leaves) this.#told.put(leaf);
    } else {
      for (const leaf of leaves) if (before.get(leaf.key)?.equals(leaf.octets) !== true) this.#told.put(leaf);
      const now = new Set(leaves.map(({ key }) => key));
      for (const [key, octets] of before) if (!now.has(key)) this.#told.remove(key, pathOf(octets));
    }
    this.#remember(row, at.place.key, leaves);
  }

  #remember(row: StateRow, key: string, leaves: readonly Leaf[]): void {
    const before = this.#known.get(key)?.size ?? 0;
    if (this.#isBulk(row) || this.#remembered - before + leaves.length > MOST_REMEMBERED) return;
    this.#remembered += leaves.length - before;
    this.#known.set(key, new Map(leaves.map((leaf) => [leaf.key, leaf.octets])));
  }

  /** Whatever was told of at or below `path`, and was not seen any more. */
  #gone(path: Path, seen: ReadonlySet<string>): void {
    const at = this.#parts.model.leaves.placeOf(path);
    if (at === undefined) return;
    const { key } = at.place;
    for (const [row, leaves] of this.#known) {
      if (seen.has(row) || !(row === key || row.startsWith(`${key}/`) || row.startsWith(`${key}[`))) continue;
      this.#known.delete(row);
      this.#remembered -= leaves.size;
      for (const [leaf, octets] of leaves) this.#told.remove(leaf, pathOf(octets));
    }
    const isWhole = path.length >= this.#pattern.length && (at.node?.keys ?? []).every((k) => path.at(-1)?.keys?.[k]);
    if (seen.size === 0 && isWhole && this.#access?.mayRead(path) !== false) this.#told.remove(key, at.place.elems);
  }

  #isBulk({ path }: StateRow): boolean {
    return this.#parts.state.find(path).some((source) => source.isBulk === true && source.path.length === path.length);
  }
}
