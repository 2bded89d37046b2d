import { type Clock, Slices } from "../../base/index.ts";
import type { Change, EditStep, TreeChange } from "../datastore/index.ts";
import { formatPath, localName, type Path } from "../datastore/index.ts";

/** Whether a leaf of this name holds a secret. */
export type IsSecret = (leaf: string) => boolean;

const STARS = "***";

const OPERATIONS = { create: "create", delete: "delete", change: "replace", move: "move" } as const;

/** A difference as others see it; `hide`: with stars for secrets. */
export function changeOf(change: TreeChange, hide?: IsSecret): Change {
  const shown = (value: unknown): unknown => {
    if (hide === undefined) return value;
    const last = change.path.at(-1);
    return last !== undefined && hide(localName(last)) ? STARS : hidden(value, hide);
  };
  return {
    operation: OPERATIONS[change.operation],
    path: formatPath(change.path),
    ...(change.value === undefined ? {} : { value: shown(change.value) }),
    ...(change.old === undefined ? {} : { was: shown(change.old) }),
  };
}

/** A difference for who is told values: without those of secrets; `undefined` where nothing is left to tell. */
export function changeWithout(change: TreeChange, isSecret: IsSecret): Change | undefined {
  const last = change.path.at(-1);
  if (last !== undefined && isSecret(localName(last))) return undefined;
  return changeOf({
    ...change,
    ...(change.value === undefined ? {} : { value: replaced(change.value, isSecret, undefined) }),
    ...(change.old === undefined ? {} : { old: replaced(change.old, isSecret, undefined) }),
  });
}

const hidden = (value: unknown, hide: IsSecret): unknown => replaced(value, hide, STARS);

/** The same value where nothing of it is secret, as of nearly all of very many. `instead`: `undefined` leaves it out. */
function replaced(value: unknown, hide: IsSecret, instead: typeof STARS | undefined): unknown {
  if (!isHiding(value, hide)) return value;
  if (Array.isArray(value)) return value.map((item) => replaced(item, hide, instead));
  const members = Object.entries(value as object).flatMap(([name, member]) => {
    if (!hide(leafOf(name))) return [[name, replaced(member, hide, instead)] as const];
    return instead === undefined ? [] : [[name, instead] as const];
  });
  return Object.fromEntries(members);
}

function isHiding(value: unknown, hide: IsSecret): boolean {
  if (Array.isArray(value)) return value.some((item) => isHiding(item, hide));
  if (typeof value !== "object" || value === null) return false;
  for (const name in value) {
    if (hide(leafOf(name)) || isHiding((value as Record<string, unknown>)[name], hide)) return true;
  }
  return false;
}

const leafOf = (name: string): string => name.slice(name.indexOf(":") + 1);

/** The steps that bring about a difference; `undefined` where the place in a user-ordered list would be lost. */
export function stepsOf(changes: readonly TreeChange[]): EditStep[] | undefined {
  const steps: EditStep[] = [];
  for (const { operation, path, value, after } of changes) {
    if (operation === "move" || after !== undefined) return undefined;
    const text = formatPath(path);
    if (operation === "delete") steps.push({ operation: "remove", path: text });
    else
      steps.push({ operation: operation === "create" ? "merge" : "replace", path: text, value: JSON.stringify(value) });
  }
  return steps;
}

/** The first of `mine` that is within one of `theirs` or around it, of differences from the same tree. */
export async function firstMeeting(
  mine: readonly TreeChange[],
  theirs: readonly TreeChange[],
  clock: Clock,
): Promise<TreeChange | undefined> {
  if (mine.length === 0 || theirs.length === 0) return undefined;
  const slices = new Slices(clock);
  const theirOwn = new Set<string>();
  const around = new Set<string>();
  for (const { path } of theirs) {
    if (slices.isOver) await slices.next();
    const names = namesAlong(path);
    theirOwn.add(names.at(-1)!);
    for (const name of names) around.add(name);
  }
  for (const change of mine) {
    if (slices.isOver) await slices.next();
    const names = namesAlong(change.path);
    if (around.has(names.at(-1)!) || names.some((name) => theirOwn.has(name))) return change;
  }
  return undefined;
}

/** A text for the node and for each that it is in, from the outermost on. */
function namesAlong(path: Path): string[] {
  let text = "";
  return path.map((step) => {
    text += formatPath([step]);
    return text;
  });
}
