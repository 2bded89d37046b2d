import type { Milliseconds } from "../../base/index.ts";
import { type Answer, answered, fault, type ManagementFault, refused } from "./error.ts";
import { formatPath, type Path } from "./path.ts";
import type { HeldPartialLock, PartialLock, Session } from "./types.ts";

/** Nodes that the partial locks of one session may have together. */
const MOST_LOCKED = 20_000;

export type Lockable = "running" | "candidate" | "startup";

interface HeldPaths {
  readonly id: number;
  readonly session: number;
  readonly since: Milliseconds;
  readonly paths: readonly Path[];
  readonly nodes: NodeSet;
}

/** Nodes with all that stands in them. What meets them is found without going through them, however many they are. */
class NodeSet {
  readonly #nodes: ReadonlySet<string>;
  readonly #above: ReadonlySet<string>;

  constructor(paths: readonly Path[]) {
    this.#nodes = new Set(paths.map(formatPath));
    this.#above = new Set(paths.flatMap((path) => path.map((_, i) => formatPath(path.slice(0, i)))));
  }

  /** Whether a node is one of them, or in one, or one of them is in it. */
  meets(path: Path): boolean {
    if (this.#above.has(formatPath(path))) return true;
    return this.#nodes.has("/") || path.some((_, i) => this.#nodes.has(formatPath(path.slice(0, i + 1))));
  }
}

/** Who has locked what. @see RFC 6241 §7.5; RFC 5717 */
export class Locks {
  readonly #holders = new Map<Lockable, number>();
  readonly #since = new Map<Lockable, Milliseconds>();
  readonly #partial = new Map<number, HeldPaths>();
  #lastPartial = 0;

  holder(of: Lockable): number | undefined {
    return this.#holders.get(of);
  }

  /** When it was locked, if it is. */
  since(of: Lockable): Milliseconds | undefined {
    return this.#holders.has(of) ? this.#since.get(of) : undefined;
  }

  /** `now`: wall clock. */
  lock({ id }: Session, target: Lockable, now: Milliseconds): Answer<void> {
    const holder = this.#holders.get(target);
    if (holder !== undefined) return refused(lockDenied(target, holder, id));
    const partial = target === "running" ? [...this.#partial.values()][0] : undefined;
    if (partial !== undefined) {
      const message = `session ${partial.session} has locked parts of running: lock it when they are released`;
      return refused(fault("lock-denied", message, { info: { sessionId: partial.session } }));
    }
    this.#holders.set(target, id);
    this.#since.set(target, now);
    return answered(undefined);
  }

  unlock({ id }: Session, target: Lockable): Answer<void> {
    const holder = this.#holders.get(target);
    if (holder !== id) {
      const who = holder === undefined ? "nobody has locked it" : `session ${holder} has`;
      return refused(fault("operation-failed", `${target} is not locked by this session: ${who}`));
    }
    this.#holders.delete(target);
    return answered(undefined);
  }

  /** Those of parts of running. */
  get partial(): readonly HeldPartialLock[] {
    return Array.from(this.#partial.values(), ({ paths, nodes: _, ...held }) => ({
      ...held,
      paths: paths.map(formatPath),
    }));
  }

  /** `now`: wall clock. */
  lockPaths({ id }: Session, paths: readonly Path[], now: Milliseconds): Answer<PartialLock> {
    const whole = this.#holders.get("running");
    if (whole !== undefined && whole !== id) return refused(lockDenied("running", whole, id));
    let own = paths.length;
    for (const held of this.#partial.values()) {
      if (held.session === id) {
        own += held.paths.length;
        continue;
      }
      // What else it has locked is no matter of who asks: he may not be let see it.
      const met = paths.find((path) => held.nodes.meets(path));
      if (met === undefined) continue;
      const message = `session ${held.session} has locked ${formatPath(met)}, or part of it, or what it stands in: try again when that is released`;
      return refused(fault("lock-denied", message, { info: { sessionId: held.session } }));
    }
    if (own > MOST_LOCKED) {
      const message = `the locks of this session would have ${own} nodes, more than the ${MOST_LOCKED} that a session may have locked: lock what they stand in, or release a lock`;
      return refused(fault("resource-denied", message));
    }
    const lock = { id: ++this.#lastPartial, session: id, since: now, paths, nodes: new NodeSet(paths) };
    this.#partial.set(lock.id, lock);
    return answered({ id: lock.id, paths: paths.map(formatPath) });
  }

  unlockPaths({ id }: Session, lock: number): Answer<void> {
    if (this.#partial.get(lock)?.session === id) {
      this.#partial.delete(lock);
      return answered(undefined);
    }
    return refused(fault("invalid-value", `this session has no partial lock ${lock}`));
  }

  /** Whether another session keeps `session` from changing `target`; `paths`: what of running it would change. */
  keepsOut(
    session: Session | undefined,
    target: Lockable,
    changes: readonly { readonly path: Path }[] = [],
  ): ManagementFault | undefined {
    const holder = this.#holders.get(target);
    if (holder !== undefined && holder !== session?.id) {
      const message = `session ${holder} has locked ${target}: try again when it is released`;
      return fault("in-use", message, { errorType: "protocol", info: { sessionId: holder } });
    }
    if (target !== "running") return undefined;
    for (const held of this.#partial.values()) {
      if (held.session === session?.id) continue;
      const hit = changes.find(({ path }) => held.nodes.meets(path));
      if (hit === undefined) continue;
      const message = `session ${held.session} has locked this part of running: try again when it is released`;
      return fault("in-use", message, { path: formatPath(hit.path), info: { sessionId: held.session } });
    }
    return undefined;
  }

  /** Every lock of a session that ends. The answer: whether it had the candidate. */
  release({ id }: Session): { readonly candidate: boolean } {
    const candidate = this.#holders.get("candidate") === id;
    for (const [target, holder] of this.#holders) if (holder === id) this.#holders.delete(target);
    for (const [lock, { session }] of this.#partial) if (session === id) this.#partial.delete(lock);
    return { candidate };
  }
}

function lockDenied(target: Lockable, holder: number, asking: number): ManagementFault {
  const who = holder === asking ? "this session" : `session ${holder}`;
  return fault("lock-denied", `${who} has locked ${target} already`, {
    errorType: "protocol",
    info: { sessionId: holder },
  });
}
