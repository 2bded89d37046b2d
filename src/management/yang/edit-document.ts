import { type EditStep, formatPath, type Path } from "../datastore/index.ts";
import { jsonValue, type ResolvedStep } from "./schema-index.ts";

type Json = Record<string, unknown>;

const OPERATION = "ietf-netconf:operation";

/**
 * One document for many steps of an edit: RFC 7951 JSON with operations as metadata (RFC 7952 §5.2), which libyang carries out at
 * once instead of one tree for each step.
 */
export class EditDocument {
  readonly #root: Json = {};
  /** Entries of lists, by the text of their path. */
  readonly #entries = new Map<string, Json>();
  /** Paths that a step ended at, or went through. */
  readonly #ends = new Set<string>();
  readonly #through = new Set<string>();

  get isEmpty(): boolean {
    return this.#ends.size === 0;
  }

  /** Whether a step can join: not if it meets one that is in already. */
  takes(path: Path): boolean {
    if (path.length === 0) return this.isEmpty;
    const text = formatPath(path);
    if (this.#ends.has(text) || this.#through.has(text)) return false;
    return !path.some((_, i) => this.#ends.has(formatPath(path.slice(0, i))));
  }

  add(path: readonly ResolvedStep[], operation: Exclude<EditStep["operation"], "delete" | "remove">, value: unknown) {
    let here = this.#root;
    for (const [i, step] of path.entries()) {
      const text = formatPath(path.slice(0, i + 1));
      if (i === path.length - 1) this.#put(here, step, text, operation, value);
      else {
        this.#through.add(text);
        here = this.#into(here, step, text);
      }
    }
    if (path.length === 0) Object.assign(this.#root, value);
    this.#ends.add(formatPath(path));
  }

  get text(): string {
    return JSON.stringify(this.#root);
  }

  #into(here: Json, step: ResolvedStep, text: string): Json {
    if (step.node.kind !== "list") return memberOf(here, step.member, () => ({}));
    const known = this.#entries.get(text);
    if (known !== undefined) return known;
    const entry: Json = keysOf(step);
    memberOf<unknown[]>(here, step.member, () => []).push(entry);
    this.#entries.set(text, entry);
    return entry;
  }

  #put(
    here: Json,
    step: ResolvedStep,
    text: string,
    operation: Exclude<EditStep["operation"], "delete" | "remove">,
    value: unknown,
  ): void {
    const metadata = operation === "merge" || operation === "union-replace" ? undefined : { [OPERATION]: operation };
    switch (step.node.kind) {
      case "container":
      case "list": {
        const node = this.#into(here, step, text);
        Object.assign(node, value, step.node.kind === "list" ? keysOf(step) : {});
        if (metadata !== undefined) node["@"] = metadata;
        return;
      }
      case "leaf-list": {
        const given =
          step.value === undefined ? (Array.isArray(value) ? value : [value]) : [jsonValue(step.node.type, step.value)];
        const values = memberOf<unknown[]>(here, step.member, () => []);
        values.push(...given);
        if (metadata !== undefined) {
          const all = memberOf<unknown[]>(here, `@${step.member}`, () => []);
          while (all.length < values.length - given.length) all.push(null);
          all.push(...given.map(() => metadata));
        }
        return;
      }
      default:
        here[step.member] = value;
        if (metadata !== undefined) here[`@${step.member}`] = metadata;
    }
  }
}

function memberOf<T = Json>(here: Json, name: string, make: () => T): T {
  here[name] ??= make();
  return here[name] as T;
}

function keysOf({ keys = {}, node }: ResolvedStep): Json {
  const types = new Map(node.children?.map((child) => [child.name.slice(child.name.indexOf(":") + 1), child.type]));
  return Object.fromEntries(Object.entries(keys).map(([key, text]) => [key, jsonValue(types.get(key), text)]));
}
