import {
  type Access,
  type Answer,
  answered,
  fault,
  formatPath,
  type ManagementFault,
  type Model,
  type Path,
  parsePath,
  refused,
  type Tree,
  type XPathSelection,
} from "../datastore/index.ts";
import { held } from "./held.ts";
import type { ReadableTrees } from "./readable-trees.ts";

const DENIED = fault("access-denied", "the access control does not let you change this", { errorType: "protocol" });

export interface LockParts {
  readonly model: Model;
  readonly readable: ReadableTrees;
  /** Of who locks; absent: may do everything. */
  readonly access: Access | undefined;
}

/**
 * What data paths and expressions select of `running`, which stays the caller's: nodes that may be written, each once. An
 * expression finds only what may be read.
 *
 * @see RFC 5717 §2.4.1
 */
export async function lockedNodes(
  selections: readonly (string | XPathSelection)[],
  running: Tree,
  { model, readable, access }: LockParts,
): Promise<Answer<readonly Path[]>> {
  const mayWrite = (path: Path): boolean => access === undefined || access.mayWrite(path);
  using tree = held(running.share());

  const at = async (text: string): Promise<Answer<readonly Path[]>> => {
    const parsed = parsePath(text);
    const path = parsed.ok ? model.whole(parsed.value) : parsed;
    if (!path.ok) return path;
    // Before it is looked up: nobody is told so what there is.
    const may = mayWrite(path.value) && (access === undefined || access.mayRead(path.value));
    return may ? model.nodes(tree.tree, path.value) : refused(DENIED);
  };
  const selectedBy = async (expression: XPathSelection): Promise<Answer<readonly Path[]>> => {
    const part = await readable.of(tree.tree, access, { from: "running" });
    if (!part.ok) return part;
    using own = held(part.value);
    return await model.nodes(own.tree, expression);
  };

  const faults: ManagementFault[] = [];
  const found = new Map<string, Path>();
  for (const selection of selections) {
    const nodes = await (typeof selection === "string" ? at(selection) : selectedBy(selection));
    if (!nodes.ok) faults.push(...nodes.faults);
    else if (!nodes.value.every(mayWrite)) faults.push(DENIED);
    else for (const path of nodes.value) found.set(formatPath(path), path);
  }
  const [first, ...others] = faults;
  if (first !== undefined) return refused(first, ...others);
  if (found.size === 0) {
    const message = "none of this selects anything of running: only nodes that are there can be locked";
    return refused(fault("operation-failed", message, { appTag: "no-matches" }));
  }
  return answered([...found.values()]);
}
