import type { Answer, ManagementFault } from "./error.ts";
import type { TreeChange } from "./model.ts";
import type { Path, PathStep } from "./path.ts";
import type { Change, Session } from "./types.ts";

/** Who may do what: asked each time, as it changes while sessions are open. */
export interface AccessControl {
  /** What `session` may do; `undefined`: everything. */
  of(session: Session): Access | undefined;
}

/** A step of a rule's path. */
export interface RuleStep extends PathStep {
  /** How keys begin. */
  readonly starts?: Readonly<Record<string, string>>;
}

/** What decides about the instances of one node of the model: the first case that fits, else `permit`. */
export interface Verdict {
  /** Names only. */
  readonly path: Path;
  /** Paths of the node or of what it stands in; keys that are missing may be anything. */
  readonly cases: readonly { readonly path: readonly RuleStep[]; readonly permit: boolean }[];
  readonly permit: boolean;
}

/** What the sessions of somebody may do, by the rules of one moment. @see RFC 8341 §3.4 */
export interface Access {
  /** Nodes that may not be read, or only some of them; the same array as long as the rules are. Empty: all may be read. */
  readonly hidden: readonly Verdict[];
  /** Whether every change of the configuration is allowed, so that none has to be looked at. */
  readonly writesAll: boolean;
  /** Whether a node and all that it stands in may be read. */
  mayRead(path: Path): boolean;
  /** Whether a node may be changed in any way. */
  mayWrite(path: Path): boolean;
  /** Refuses what may not be changed, in slices; counts where it does. */
  writing(changes: readonly TreeChange[]): Promise<Answer<void>>;
  /** Refuses an action that may not be called, or whose node may not be seen; counts where it does. */
  acting(target: Path, name: string): Answer<void>;
  /** The RFC 7951 value of a node with only what may be read of it; `undefined`: nothing may. */
  readable(path: Path, value: unknown): unknown;
  /** Differences with only what may be read of them. */
  readableChanges(changes: readonly Change[]): readonly Change[];
  /** Faults that say nothing about what may not be read. */
  told(faults: readonly ManagementFault[]): readonly ManagementFault[];
}
