import type { YangContext, YangSchemaType, YangTree } from "../../../native/api.ts";
import {
  type Answer,
  answered,
  type EditStep,
  fault,
  formatPath,
  type Path,
  refused,
  type Tree,
} from "../datastore/index.ts";
import { EditDocument } from "./edit-document.ts";
import { yangAnswer } from "./faults.ts";
import { jsonValue, type ResolvedStep } from "./schema-index.ts";

/** A step whose path is of the schema, with its value as JSON has it. */
export interface ResolvedEdit {
  readonly operation: EditStep["operation"];
  readonly path: readonly ResolvedStep[];
  readonly value: unknown;
}

/** A path as libyang takes it. */
export const plain = (path: readonly ResolvedStep[]): Path =>
  path.map(({ name, keys, value }) => ({
    name,
    ...(keys === undefined ? {} : { keys }),
    ...(value === undefined ? {} : { value }),
  }));

/** The value that a step gives a node of this type. */
export function jsonOf(step: EditStep, type: YangSchemaType | undefined): Answer<unknown> {
  if ("text" in step) return answered(jsonValue(type, step.text));
  if (!("value" in step)) return answered(undefined);
  try {
    return answered(JSON.parse(step.value) as unknown);
  } catch {
    const message = `the value is not JSON (RFC 7951): ${step.value.slice(0, 60)}`;
    return refused(fault("invalid-value", message, { path: step.path }));
  }
}

/** Steps one after the other; neighbours that do not meet are carried out as one. */
export class StepWork {
  readonly #context: YangContext;
  #tree: YangTree;
  #isOwn = false;
  #document = new EditDocument();
  #gone: Path[] = [];
  #union = false;

  constructor(context: YangContext, tree: YangTree) {
    this.#context = context;
    this.#tree = tree;
  }

  async take({ operation, path, value }: ResolvedEdit): Promise<Answer<void>> {
    if (operation === "remove" || operation === "delete") return this.#remove(operation, plain(path));
    if (operation === "union-replace" && !this.#union) {
      this.#union = true;
      const cleared = await this.#remove("remove", []);
      if (!cleared.ok) return cleared;
    }
    const isJoining = this.#gone.length === 0 && this.#document.takes(path);
    const done = isJoining ? answered(undefined) : await this.#flush();
    if (done.ok) this.#document.add(path, operation, value);
    return done;
  }

  async finish(): Promise<Answer<Tree>> {
    const done = await this.#flush();
    if (!done.ok) {
      await this.drop();
      return done;
    }
    return answered(this.#isOwn ? this.#tree : this.#tree.share());
  }

  async drop(): Promise<void> {
    if (this.#isOwn) await this.#tree.dispose();
    this.#isOwn = false;
  }

  async #remove(operation: "remove" | "delete", path: Path): Promise<Answer<void>> {
    if (!this.#document.isEmpty) {
      const done = await this.#flush();
      if (!done.ok) return done;
    }
    if (operation === "delete") {
      const done = await this.#flush();
      if (!done.ok) return done;
      const matches = await yangAnswer(this.#context.select(this.#tree, path));
      if (!matches.ok) return matches;
      if (matches.value.length === 0) {
        return refused(fault("data-missing", "there is nothing to delete here", { path: formatPath(path) }));
      }
    }
    this.#gone.push(path);
    return answered(undefined);
  }

  async #flush(): Promise<Answer<void>> {
    if (this.#gone.length > 0) {
      const gone = this.#gone;
      this.#gone = [];
      const dropped = gone.some((path) => path.length === 0)
        ? this.#context.keep(this.#tree, [])
        : this.#context.drop(this.#tree, gone);
      const done = await this.#become(dropped);
      if (!done.ok) return done;
    }
    if (this.#document.isEmpty) return answered(undefined);
    const { text } = this.#document;
    this.#document = new EditDocument();
    return this.#become(this.#context.edit(this.#tree, text, "json"));
  }

  async #become(work: Promise<YangTree>): Promise<Answer<void>> {
    const next = await yangAnswer(work);
    if (!next.ok) return next;
    if (this.#isOwn) await this.#tree.dispose();
    this.#tree = next.value;
    this.#isOwn = true;
    return answered(undefined);
  }
}
