import { type Clock, type Log, messageOf } from "../../base/index.ts";
import {
  type AccessControl,
  type Answer,
  answered,
  type Model,
  type OperationalReader,
  type OperationOutput,
  type OperationRequest,
  refused,
  type Session,
  type Tree,
  type Verdict,
} from "../datastore/index.ts";
import { changeOf, type IsSecret } from "./changes.ts";
import type { CommitStore, StoredPending } from "./commit-store.ts";
import { timeLeft } from "./confirmed.ts";
import type { Binder } from "./running.ts";
import type { StartupFile } from "./workspace.ts";

/** Operations of our modules, with their input checked by the model. */
export interface CheckedOperations {
  call(request: OperationRequest, session: Session): Promise<Answer<OperationOutput>>;
}

export interface OpeningParts<B, C> {
  readonly model: Model;
  /** Absent: `operational` is the configuration in use, without state. */
  readonly operational?: OperationalReader;
  /** Absent: there are none. */
  readonly operations?: CheckedOperations;
  readonly binder: Binder<B, C>;
  readonly store: CommitStore;
  readonly startup: StartupFile;
  readonly clock: Clock;
  readonly log: Log;
  readonly isSecret: IsSecret;
  /** Nodes that nobody is ever told, whatever he may read; absent: none. */
  readonly secrets?: readonly Verdict[];
  /** Absent: everybody may do everything. */
  readonly access?: AccessControl;
  /** Told after each commit whether it was made durable, and why not. */
  readonly durable?: (failure?: string) => void;
}

export interface Beginning<B> {
  readonly tree: Tree;
  readonly bound: B;
  /** The confirmed commit that an earlier process left, and still waits. */
  readonly pending: StoredPending | undefined;
}

const STARTING: Omit<Session, "id"> = { user: "system", protocol: "system", source: "start" };

/**
 * What the router begins with: its last commit, so that a restart changes nothing; but the startup file where that has been changed
 * since it was last taken over, and what a confirmed commit goes back to where its time is over or its session was of
 * the process that is gone.
 */
export async function begin<B, C>(parts: OpeningParts<B, C>): Promise<Answer<Beginning<B>>> {
  const { store, startup, clock, log } = parts;
  const file = await startup.read();
  const { pending } = store;
  const waits = pending?.persist !== undefined && timeLeft(pending, clock.wall()) > 0;
  if (store.startup === file.digest) {
    const goesBack = pending !== undefined && !waits;
    const committed = await load(parts, goesBack ? pending.rollback : store.current);
    if (committed.ok) {
      if (goesBack) await note(parts, committed.value.tree, { cause: "confirm-timeout" });
      return answered({ ...committed.value, pending: waits ? pending : undefined });
    }
    // Another configuration would run, and nobody has asked for that, where a file has to be put in its place.
    const isOfFiles = committed.faults.every((fault) => parts.binder.isOfFiles?.(fault) === true);
    log.error("management.commit-unusable", {
      commit: store.current,
      reasons: committed.faults.map(({ message }) => message),
      effect: isOfFiles ? "the router does not start" : `the router starts from ${startup.path}`,
    });
    if (isOfFiles) return committed;
  } else if (store.current !== 0) {
    log.warn("management.startup-changed", {
      file: startup.path,
      effect: `it is running now; semrctl config rollback 1 brings back commit ${store.current}`,
    });
  }
  const fresh = await bindText(parts, file.text);
  if (!fresh.ok) return fresh;
  await note(parts, fresh.value.tree, { cause: "start", startup: file.digest });
  return answered({ ...fresh.value, pending: undefined });
}

async function load<B, C>(parts: OpeningParts<B, C>, commit: number): Promise<Answer<{ tree: Tree; bound: B }>> {
  let text: string | undefined;
  try {
    text = await parts.store.document(commit);
  } catch (cause) {
    text = undefined;
    parts.log.error("management.commit-unreadable", { commit, reason: messageOf(cause) });
  }
  if (text === undefined) {
    const message = `the configuration of commit ${commit} is not there`;
    return refused({ errorType: "application", errorSeverity: "error", errorTag: "data-missing", message });
  }
  return bindText(parts, text);
}

async function bindText<B, C>(
  { model, binder }: OpeningParts<B, C>,
  text: string,
): Promise<Answer<{ tree: Tree; bound: B }>> {
  const parsed = await model.parse(text, "json");
  if (!parsed.ok) return parsed;
  const valid = await model.validate(parsed.value);
  await parsed.value.dispose();
  if (!valid.ok) return valid;
  const bound = await binder.bind(valid.value);
  if (bound.ok) return answered({ tree: valid.value, bound: bound.value });
  await valid.value.dispose();
  return bound;
}

/** A commit of what the router begins with, unless that is its last one already. */
async function note<B, C>(
  parts: OpeningParts<B, C>,
  tree: Tree,
  also: { readonly cause: "start"; readonly startup: string } | { readonly cause: "confirm-timeout" },
): Promise<void> {
  const { cause, ...startup } = also;
  const { model, store, clock, isSecret } = parts;
  const text = await store.document(store.current).catch(() => undefined);
  const last = text === undefined ? undefined : await model.parse(text, "json");
  const changes = last?.ok === true ? await model.diff(last.value, tree) : [];
  if (last?.ok === true) await last.value.dispose();
  const id = store.current + 1;
  const entry = {
    id,
    transactionId: `${store.lineage}-${id}`,
    time: clock.wall(),
    ...STARTING,
    cause,
    changes: changes.slice(0, 1000).map((change) => changeOf(change, isSecret)),
    changeCount: changes.length,
  };
  await store.commit(entry, await model.document(tree), { pending: undefined, ...startup });
}
