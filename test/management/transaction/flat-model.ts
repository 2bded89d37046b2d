import {
  type Answer,
  answered,
  type EditStep,
  fault,
  formatPath,
  type Model,
  parsePath,
  refused,
  type Tree,
  type TreeChange,
} from "../../../src/management/datastore/index.ts";

type Flat = ReadonlyMap<string, unknown>;

/** Handles that were not disposed: a leak. */
let open = 0;

export const openTrees = (): number => open;

const numbers = new WeakMap<Flat, number>();
let last = 0;

class FlatTree implements Tree {
  readonly values: Flat;
  #disposed = false;

  constructor(values: Flat) {
    this.values = values;
    open++;
  }

  get empty(): boolean {
    return this.values.size === 0;
  }

  get number(): number {
    const known = numbers.get(this.values) ?? ++last;
    numbers.set(this.values, known);
    return known;
  }

  share(): Tree {
    if (this.#disposed) throw new Error("a tree is used after it was disposed");
    return new FlatTree(this.values);
  }

  async dispose(): Promise<void> {
    if (this.#disposed) throw new Error("a tree is disposed twice");
    this.#disposed = true;
    open--;
  }

  get alive(): Flat {
    if (this.#disposed) throw new Error("a tree is used after it was disposed");
    return this.values;
  }
}

export const valuesOf = (tree: Tree): Record<string, unknown> => Object.fromEntries((tree as FlatTree).alive);

/** A data model that is a flat list of paths with values; `{"/a/b": 1}` is a document. The value "bad" is not valid. */
export const flatModel: Model = {
  whole: (path) => ({ ok: true, value: path }),
  async nodes(tree, selection) {
    if ("xpath" in selection) return refused(fault("operation-not-supported", "there are no expressions here"));
    const text = formatPath(selection);
    const has = [...(tree as FlatTree).alive.keys()].some((path) => path === text || path.startsWith(`${text}/`));
    return answered(has ? [selection] : []);
  },
  async parse(text) {
    try {
      return answered(new FlatTree(new Map(Object.entries(JSON.parse(text)))));
    } catch {
      return refused(fault("malformed-message", "not JSON"));
    }
  },
  async edit(tree, text, { defaultOperation }) {
    const given = Object.entries(JSON.parse(text) as Record<string, unknown>);
    const before = defaultOperation === "replace" ? [] : [...(tree as FlatTree).alive];
    return answered(new FlatTree(new Map([...before, ...given])));
  },
  async editSteps(tree, steps) {
    const values = new Map((tree as FlatTree).alive);
    for (const step of steps) {
      const faults = carryOut(values, step);
      if (!faults.ok) return faults;
    }
    return answered(new FlatTree(values));
  },
  async validate(tree) {
    const bad = [...(tree as FlatTree).alive].filter(([, value]) => value === "bad");
    if (bad.length === 0) return answered(new FlatTree((tree as FlatTree).values));
    return refused(...bad.map(([path]) => fault("invalid-value", "bad is not valid", { path })));
  },
  async has(tree, paths) {
    const alive = [...(tree as FlatTree).alive.keys()];
    return paths.some((path) => alive.some((text) => text.startsWith(formatPath(path))));
  },
  async restrict(tree, hidden) {
    const isHidden = (path: string): boolean =>
      hidden.some((one) => !one.permit && path.startsWith(formatPath(one.path)));
    return answered(new FlatTree(new Map([...(tree as FlatTree).alive].filter(([path]) => !isHidden(path)))));
  },
  async diff(before, after) {
    const [old, next] = [(before as FlatTree).alive, (after as FlatTree).alive];
    const changes: TreeChange[] = [];
    const path = (text: string) => (parsePath(text) as { value: TreeChange["path"] }).value;
    for (const [at, value] of next) {
      if (!old.has(at)) changes.push({ operation: "create", path: path(at), value });
      else if (old.get(at) !== value) changes.push({ operation: "change", path: path(at), value, old: old.get(at) });
    }
    for (const [at, value] of old) if (!next.has(at)) changes.push({ operation: "delete", path: path(at), old: value });
    return changes;
  },
  read: async (tree) => answered(Buffer.from(JSON.stringify(valuesOf(tree)))),
  document: async (tree) => Buffer.from(JSON.stringify(valuesOf(tree))),
  write: async (tree) => JSON.stringify(valuesOf(tree)),
};

function carryOut(values: Map<string, unknown>, step: EditStep): Answer<void> {
  const parsed = parsePath(step.path);
  if (!parsed.ok) return parsed;
  const path = formatPath(parsed.value);
  if (step.operation === "remove") values.delete(path);
  else if (step.operation === "delete") {
    if (!values.delete(path)) return refused(fault("data-missing", "not there", { path }));
  } else if ("value" in step) values.set(path, JSON.parse(step.value));
  return answered(undefined);
}
