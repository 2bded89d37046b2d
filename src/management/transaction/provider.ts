import type { Answer, Consequence } from "../datastore/index.ts";

/**
 * What makes one part of the router do what the configuration says. `C` is a change of configuration in the words of
 * the parts. Every fault that can be foreseen is answered by `plan`, every other one that can be met before anything is
 * changed by `prepare`.
 */
export interface Provider<C> {
  readonly name: string;
  /** What the change would bring about, or why it cannot be done. Changes nothing; waits at most for a look at the host. */
  plan(change: C): Answer<readonly Consequence[]> | Promise<Answer<readonly Consequence[]>>;
  /** Takes what carrying out needs, and changes nothing that is in use. `undefined`: nothing of it is for this part. */
  prepare(change: C): Answer<Prepared | undefined> | Promise<Answer<Prepared | undefined>>;
}

/** Exactly one of: `abandon`; `apply` then `finish`; `apply` (which may have thrown) then `revert`. */
export interface Prepared {
  apply(): void | Promise<void>;
  /** Brings back what was, also after an `apply` that came half way. */
  revert(): void | Promise<void>;
  /** The change is durable: what going back would have needed can go. */
  finish?(): void | Promise<void>;
  /** It will not be applied: gives back what `prepare` took. */
  abandon?(): void | Promise<void>;
}
