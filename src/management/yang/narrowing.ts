import type { YangPath } from "../../../native/api.ts";
import { isWithin, localName, type Path, type TreeChange } from "../datastore/index.ts";
import type { SchemaIndex } from "./schema-index.ts";

/**
 * A large list whose entries look at themselves and at some other sections only, and that nothing else looks at. Where a change is
 * of few entries and of none of those sections, the other entries are as valid as they were; libyang would take
 * some twenty microseconds for each of them.
 */
export interface LargeList {
  readonly path: Path;
  /** Sections of the router, by local name, that the conditions and references of an entry name. */
  readonly looksAt: readonly string[];
}

export const LARGE_LISTS: readonly LargeList[] = [
  {
    path: [{ name: "semrd-router:router" }, { name: "semrd-agent:agents" }, { name: "agent" }],
    looksAt: ["taxonomy", "tenants"],
  },
];

/** With more entries than this the whole is validated. */
const FEW = 256;

/** What of a tree has to be looked at after `changes` of a valid one; `undefined`: all of it. */
export function affected(
  changes: readonly TreeChange[],
  schema: SchemaIndex,
): { readonly looked: readonly YangPath[] } | undefined {
  const entries: YangPath[] = [];
  const [list] = LARGE_LISTS;
  for (const { path } of changes) {
    const section = path[1];
    if (section === undefined || list!.looksAt.includes(localName(section))) return undefined;
    const isAbove = isWithin(list!.path, path);
    const isEntry = path.length >= list!.path.length && isWithin(path, list!.path);
    if (isEntry) entries.push(path.slice(0, list!.path.length));
    else if (isAbove) return undefined;
    if (entries.length > FEW) return undefined;
  }
  const [router, agents] = list!.path;
  const sections = schema.children([router!]).filter((name) => name !== agents!.name);
  const tops = schema.children([]).filter((name) => name !== router!.name);
  return { looked: [...entries, ...sections.map((name) => [router!, { name }]), ...tops.map((name) => [{ name }])] };
}
