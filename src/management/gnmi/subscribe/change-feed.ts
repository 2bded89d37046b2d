import { type Clock, type Log, messageOf, milliseconds } from "../../../base/index.ts";
import {
  type Access,
  type Change,
  formatPath,
  isWithin,
  type Path,
  parsePath,
  type Session,
} from "../../datastore/index.ts";
import { readConfiguration } from "../document.ts";
import { below, type Leaf, type Match, matches, type Place, TOP, within } from "../leaves.ts";
import type { OperationParts } from "../parts.ts";
import { dataPath, nodesOf, type Pattern } from "../paths.ts";
import type { ValueEncoding } from "../values.ts";
import { RowChanges } from "./row-changes.ts";

/** What happens to leaves that somebody wants to hear about. */
export interface LeafWatch {
  put(leaf: Leaf): void;
  /** `path`: the `elem` fields of what is gone with all that was below. */
  remove(key: string, path: Uint8Array): void;
}

/** What somebody watches. */
export interface Watched {
  readonly pattern: Pattern;
  readonly encoding: ValueEncoding;
  /** Only what may be read is told of; absent: everything. Who is let see something else watches anew. */
  readonly access: Access | undefined;
}

/** Everybody who watches the same with the same encoding and may see the same: leaves are made once for all of them. */
class Group implements LeafWatch {
  readonly pattern: Pattern;
  readonly encoding: ValueEncoding;
  readonly access: Access | undefined;
  readonly watches = new Set<LeafWatch>();
  rows: RowChanges | undefined;

  constructor({ pattern, encoding, access }: Watched) {
    this.pattern = pattern;
    this.encoding = encoding;
    this.access = access;
  }

  put(leaf: Leaf): void {
    for (const watch of this.watches) watch.put(leaf);
  }

  remove(key: string, path: Uint8Array): void {
    for (const watch of this.watches) watch.remove(key, path);
  }
}

const SLICE = milliseconds(4);

/** Tells of changes leaf by leaf: of the configuration as it is committed, of state as its sources tell. */
export class ChangeFeed implements Disposable {
  readonly #parts: OperationParts;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #groups = new Map<string, Group>();
  /** Tells roles apart. */
  readonly #numbers = new WeakMap<Access, number>();
  #last = 0;
  readonly #session: Session;
  readonly #subscription: Disposable;
  /** Commits are told of one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #sliceStarted = 0;

  constructor(parts: OperationParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#session = parts.management.openSession({ user: "semrd", protocol: "system", source: "gnmi" });
    this.#subscription = parts.management.subscribe((event) => {
      if (event.type !== "configuration-changed" || event.datastore !== "running" || this.#groups.size === 0) return;
      this.#turn = this.#turn
        .then(() => this.#committed(event.changes))
        .catch((cause) => {
          this.#log.error("gnmi.changes-failed", { reason: messageOf(cause) });
        });
    });
  }

  watch(watched: Watched, watch: LeafWatch): Disposable {
    const { pattern, encoding, access } = watched;
    const names = JSON.stringify(pattern.map(({ node, keys }) => [node.qualified, keys]));
    const key = `${this.#numberOf(access)} ${encoding} ${names}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new Group(watched);
      group.rows = new RowChanges(this.#parts, watched, group);
      this.#groups.set(key, group);
    }
    const found = group;
    found.watches.add(watch);
    return {
      [Symbol.dispose]: () => {
        found.watches.delete(watch);
        if (found.watches.size > 0 || this.#groups.get(key) !== found) return;
        found.rows?.[Symbol.dispose]();
        this.#groups.delete(key);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
    for (const { rows } of this.#groups.values()) rows?.[Symbol.dispose]();
    this.#groups.clear();
    void this.#parts.management.closeSession(this.#session);
  }

  #numberOf(access: Access | undefined): number {
    if (access === undefined) return 0;
    let number = this.#numbers.get(access);
    if (number === undefined) {
      number = ++this.#last;
      this.#numbers.set(access, number);
    }
    return number;
  }

  async #committed(changes: readonly Change[]): Promise<void> {
    this.#sliceStarted = this.#clock.monotonic();
    const lists = new Map<string, Path>();
    for (const change of changes) {
      const path = parsePath(change.path);
      if (!path.ok) continue;
      const last = path.value.at(-1);
      // A leaf-list is one leaf, so it is told whole.
      if (last?.value !== undefined) {
        const whole = [...path.value.slice(0, -1), { name: last.name }];
        lists.set(formatPath(whole), whole);
      } else if (change.operation !== "move") {
        await this.#tell(path.value, change);
      }
    }
    for (const path of lists.values()) await this.#tellList(path);
  }

  async #tell(path: Path, { operation, value }: Change): Promise<void> {
    const at = this.#matchAt(path, value);
    if (at === undefined) return;
    for (const group of [...this.#groups.values()]) {
      if (!fits(path, group.pattern, at)) continue;
      if (operation === "delete") {
        if (group.access?.mayRead(path) !== false) group.remove(at.place.key, at.place.elems);
        continue;
      }
      const readable = group.access === undefined ? value : group.access.readable(path, value);
      if (readable === undefined) continue;
      for (const leaf of this.#leavesIn({ ...at, value: readable }, path.length, group)) {
        group.put(leaf);
        await this.#pause();
      }
    }
  }

  *#leavesIn(at: Match, depth: number, { pattern, encoding }: Group): Generator<Leaf, void, void> {
    const rest = pattern.slice(depth);
    const { leaves } = this.#parts.model;
    if (rest.length === 0) {
      yield* leaves.of(at, { encoding });
      return;
    }
    for (const match of within(at, rest)) yield* leaves.of(match, { encoding });
  }

  async #tellList(path: Path): Promise<void> {
    const nodes = nodesOf(this.#parts.model.root, path);
    if (nodes === undefined) return;
    const pattern = nodes.map((node, i) => ({ node, keys: path[i]!.keys ?? {} }));
    const at = this.#matchAt(path, undefined);
    const wanting = [...this.#groups.values()].filter((group) => at !== undefined && fits(path, group.pattern, at));
    if (wanting.length === 0) return;
    const { management, model } = this.#parts;
    const document = await readConfiguration(management, this.#session, pattern, formatPath(path));
    const match = matches(document, pattern).next().value;
    for (const group of wanting) {
      const { access, encoding } = group;
      if (access?.mayRead(path.slice(0, -1)) === false) continue;
      const value = access === undefined ? match?.value : match && access.readable(path, match.value);
      if (match === undefined || value === undefined) {
        if (access?.mayRead(path) !== false) group.remove(at!.place.key, at!.place.elems);
      } else for (const leaf of model.leaves.of({ ...match, value }, { encoding })) group.put(leaf);
    }
  }

  #matchAt(path: Path, value: unknown): Match | undefined {
    const nodes = nodesOf(this.#parts.model.root, path);
    if (nodes === undefined) return undefined;
    let place: Place = TOP;
    for (const [i, node] of nodes.entries()) place = below(place, node, path[i]!.keys ?? {});
    return { place, node: nodes.at(-1), value, keys: path.map(({ keys }) => keys ?? {}) };
  }

  async #pause(): Promise<void> {
    if (this.#clock.monotonic() - this.#sliceStarted < SLICE) return;
    await new Promise<void>((resolve) => this.#clock.soon(resolve));
    this.#sliceStarted = this.#clock.monotonic();
  }
}

/** Whether a node may be one of a pattern, or above one, or below one. */
function fits(path: Path, pattern: Pattern, { place }: Match): boolean {
  const wanted = dataPath(pattern);
  return place.depth >= wanted.length ? isWithin(path, wanted) : isWithin(path, wanted.slice(0, path.length));
}
