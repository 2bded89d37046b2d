import type { Path, RuleStep } from "../datastore/index.ts";

/** What a rule that names instances says about them. */
export interface Case {
  readonly path: readonly RuleStep[];
  readonly permit: boolean;
}

/** Fewer are looked at one after the other. */
const FEW = 8;

/** The keys that a group of cases names, each by its step. */
type Shape = readonly (readonly [step: number, key: string])[];

/** Finds the first case that fits; cases that give the same keys are looked up, however many they are. */
export class CaseIndex {
  readonly #cases: readonly Case[];
  readonly #groups: { readonly shape: Shape; readonly places: Map<string, number> }[] = [];
  /** Places of those that are looked at one by one. */
  readonly #others: readonly number[];

  constructor(cases: readonly Case[]) {
    this.#cases = cases;
    const all = cases.map((_, place) => place);
    this.#others = cases.length <= FEW ? all : all.filter((place) => !this.#indexed(place));
  }

  /** `path` is that of the node that is decided about, or of one in it. */
  first(path: Path): Case | undefined {
    let found = this.#cases.length;
    for (const { shape, places } of this.#groups) {
      const place = places.get(textOf(shape, path));
      if (place !== undefined && place < found) found = place;
    }
    for (const place of this.#others) {
      if (place >= found) break;
      if (!fits(this.#cases[place]!.path, path)) continue;
      found = place;
      break;
    }
    return this.#cases[found];
  }

  #indexed(place: number): boolean {
    const { path } = this.#cases[place]!;
    if (path.some(({ starts, value }) => starts !== undefined || value !== undefined)) return false;
    const shape = path.flatMap(({ keys }, step) => Object.keys(keys ?? {}).map((key) => [step, key] as const));
    const name = JSON.stringify(shape);
    let group = this.#groups.find((one) => JSON.stringify(one.shape) === name);
    if (group === undefined) {
      group = { shape, places: new Map() };
      this.#groups.push(group);
    }
    const text = textOf(shape, path);
    if (!group.places.has(text)) group.places.set(text, place);
    return true;
  }
}

/** Values cannot have the separator in them: XML has no such character. */
function textOf(shape: Shape, path: Path): string {
  let text = "";
  for (const [step, key] of shape) text += `${path[step]?.keys?.[key] ?? "\u0001"}\u0000`;
  return text;
}

/** Whether `path` is what a rule's path names, or below it; its names are known to be the same. */
function fits(rule: readonly RuleStep[], path: Path): boolean {
  for (let i = 0; i < rule.length; i++) {
    const { keys, starts, value } = rule[i]!;
    if (value !== undefined && path[i]?.value !== value) return false;
    const own = path[i]?.keys;
    if (keys !== undefined) for (const key in keys) if (own?.[key] !== keys[key]) return false;
    if (starts !== undefined) for (const key in starts) if (own?.[key]?.startsWith(starts[key]!) !== true) return false;
  }
  return true;
}
