import { type Answer, localName, type ManagementFault, type Path, parsePath } from "../datastore/index.ts";
import { resourceOf } from "./resource.ts";

/** What an XPath expression selects of the data tree, as JSON without what is inside of it. */
export type SelectNodes = (expression: string) => Promise<Answer<string>>;

/** Resources of which it is known whether an expression selects them: twice as many as there are alarms. */
const MOST_KNOWN = 8192;

/** Finds out what expressions select, and remembers it. */
export interface SelectionParts {
  readonly select: SelectNodes;
  /** Something is known that was not, or has changed. */
  readonly known: () => void;
  /** It is taken to select nothing. */
  readonly failed: (expression: string, faults: readonly ManagementFault[]) => void;
}

/**
 * Whether resources are among the nodes that XPath expressions select. An expression is evaluated elsewhere, and takes as
 * long as it takes: until then nobody knows. Between two evaluations what was known stays.
 *
 * @see RFC 8632 §5, typedef resource-match
 */
export class Selections {
  readonly #parts: SelectionParts;
  readonly #verdicts = new Map<string, Map<string, boolean>>();
  /** To be found out, by expression. */
  readonly #asked = new Map<string, Set<string>>();
  #isBusy = false;

  constructor(parts: SelectionParts) {
    this.#parts = parts;
  }

  /** Those that count from now on. */
  follow(expressions: readonly string[]): void {
    for (const known of this.#verdicts.keys()) if (!expressions.includes(known)) this.#verdicts.delete(known);
    for (const one of expressions) if (!this.#verdicts.has(one)) this.#verdicts.set(one, new Map());
    this.refresh();
  }

  /** The data tree is another one. */
  refresh(): void {
    for (const [expression, verdicts] of this.#verdicts)
      for (const resource of verdicts.keys()) this.#ask(expression, resource);
  }

  /** `undefined`: it is being found out. */
  verdict(expression: string, resource: string): boolean | undefined {
    const known = this.#verdicts.get(expression)?.get(resource);
    if (known === undefined) this.#ask(expression, resource);
    return known;
  }

  /** Of a resource that has no alarm any more. */
  forget(resource: string): void {
    for (const verdicts of this.#verdicts.values()) verdicts.delete(resource);
  }

  #ask(expression: string, resource: string): void {
    const asked = this.#asked.get(expression) ?? new Set();
    this.#asked.set(expression, asked.add(resource));
    if (!this.#isBusy) void this.#findOut();
  }

  async #findOut(): Promise<void> {
    this.#isBusy = true;
    await undefined; // whoever asks for many is one question
    let isNews = false;
    for (;;) {
      const [next] = this.#asked;
      if (next === undefined) break;
      const [expression, resources] = next;
      this.#asked.delete(expression);
      if (!this.#verdicts.has(expression)) continue; // it counts no more
      const selected = await selectedOf(expression, [...resources], this.#parts.select);
      if (!selected.ok) this.#parts.failed(expression, selected.faults);
      const verdicts = this.#verdicts.get(expression);
      for (const resource of resources) {
        const is = selected.ok && selected.value.has(resource);
        if (verdicts === undefined || verdicts.get(resource) === is) continue;
        // Those whose alarm never came are forgotten with the others, which are found out anew.
        if (verdicts.size >= MOST_KNOWN && !verdicts.has(resource)) verdicts.clear();
        verdicts.set(resource, is);
        isNews = true;
      }
    }
    this.#isBusy = false;
    if (isNews) this.#parts.known();
  }
}

/**
 * Which of the resources an expression selects. An answer has what a node stands in as well, so it is asked for the nodes
 * of one depth at a time: none of these stands in another.
 */
async function selectedOf(
  expression: string,
  resources: readonly string[],
  select: SelectNodes,
): Promise<Answer<ReadonlySet<string>>> {
  const paths = resources.flatMap((resource) => {
    const path = parsePath(resourceOf(resource));
    return path.ok ? [{ resource, path: path.value }] : [];
  });
  const found = new Set<string>();
  for (const depth of new Set(paths.map(({ path }) => path.length))) {
    const answer = await select(`(${expression})[${up(depth)}][not(${up(depth + 1)})]`);
    if (!answer.ok) return answer;
    const document: unknown = JSON.parse(answer.value);
    for (const { resource, path } of paths) if (path.length === depth && isIn(document, path)) found.add(resource);
  }
  return { ok: true, value: found };
}

/** So many steps towards the root; libyang counts it among `ancestor::*`, which no other does. */
const up = (steps: number): string => Array.from({ length: steps }, () => "..").join("/");

/** Whether there is a node in an RFC 7951 document. Its path has the modules where they change. */
function isIn(document: unknown, path: Path): boolean {
  let node = document;
  for (const step of path) {
    if (typeof node !== "object" || node === null || Array.isArray(node)) return false;
    node = (node as Readonly<Record<string, unknown>>)[step.name];
    if (Array.isArray(node))
      node = node.find((entry) =>
        step.value === undefined
          ? Object.entries(step.keys ?? {}).every(([key, value]) => String(memberOf(entry, key)) === value)
          : String(entry) === step.value,
      );
    if (node === undefined) return false;
  }
  return true;
}

const memberOf = (entry: unknown, key: string): unknown =>
  (entry as Readonly<Record<string, unknown>> | null)?.[localName({ name: key })];
