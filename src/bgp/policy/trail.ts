import type { AttributeSet } from "../../rib/index.ts";
import type { Hits, Verdict } from "./policy.ts";

/** What counts for a statement. */
export interface Counted {
  sets: number;
  routes: number;
}

/** Neighbours choose what their sets fit: more ways through a chain than this are not remembered. */
const REMEMBERED = 4096;

/**
 * The statements that a route has fitted so far, in order, with the verdicts that end there. Sets that go the same way share
 * one trail, so that a set which passes unchanged costs no object.
 */
export class Trail<S extends Counted> {
  readonly #statements: readonly S[];
  readonly #root: { remembered: number };
  readonly #next = new Map<S, Trail<S>>();
  /** The statement that came next the last time, most often the only one. */
  #latest: S | undefined;
  #afterLatest: Trail<S> | undefined;
  readonly #hits: Hits;
  readonly #accept: Verdict;
  readonly #rejects = new Map<string, Verdict>();

  constructor(statements: readonly S[] = [], root = { remembered: 0 }) {
    this.#statements = statements;
    this.#root = root;
    this.#hits = {
      add: (routes) => {
        for (let i = 0; i < statements.length; i++) statements[i]!.routes += routes;
      },
    };
    this.#accept = { verdict: "accept", hits: this.#hits };
  }

  after(statement: S): Trail<S> {
    if (this.#latest === statement) return this.#afterLatest!;
    const known = this.#next.get(statement);
    if (known !== undefined) {
      this.#latest = statement;
      this.#afterLatest = known;
      return known;
    }
    const next = new Trail([...this.#statements, statement], this.#root);
    if (this.#root.remembered < REMEMBERED) {
      this.#root.remembered++;
      this.#next.set(statement, next);
    }
    return next;
  }

  /** `set` is what became of `original`. */
  accept(original: AttributeSet, set: AttributeSet): Verdict {
    if (set === original) return this.pass();
    this.#count();
    return { verdict: "replace", attributes: set, hits: this.#hits };
  }

  /** What is accepted is what came. */
  pass(): Verdict {
    this.#count();
    return this.#accept;
  }

  reject(reason: string): Verdict {
    this.#count();
    const known = this.#rejects.get(reason);
    if (known !== undefined) return known;
    const verdict: Verdict = { verdict: "reject", reason, hits: this.#hits };
    this.#rejects.set(reason, verdict);
    return verdict;
  }

  #count(): void {
    const statements = this.#statements;
    for (let i = 0; i < statements.length; i++) statements[i]!.sets++;
  }
}
