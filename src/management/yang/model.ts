import type { YangContext, YangPrintOptions, YangTree } from "../../../native/api.ts";
import {
  type Answer,
  answered,
  type EditOptions,
  type EditStep,
  fault,
  type GetOptions,
  type Model,
  type OperationRequest,
  type OriginSources,
  type Path,
  parsePath,
  refused,
  type Tree,
  type TreeChange,
  type Verdict,
  type XPathSelection,
} from "../datastore/index.ts";
import { type DocumentStep, reachOfSubtree, reachOfXPath } from "../state/index.ts";
import type { XPathEvaluator } from "../xpath/index.ts";
import { answerNamingAllowed } from "./allowed-values.ts";
import { yangAnswer } from "./faults.ts";
import { affected } from "./narrowing.ts";
import { jsonValue, SchemaIndex } from "./schema-index.ts";
import { jsonOf, plain, type ResolvedEdit, StepWork } from "./step-work.ts";

export interface YangModelParts {
  /** Without it, expressions of clients are refused. */
  readonly xpath?: XPathEvaluator;
}

/** The datastores' model: libyang, on a thread of its own. Trees are those of the context it was opened with. */
export class YangModel implements Model {
  readonly #context: YangContext;
  readonly #schema: SchemaIndex;
  readonly #parts: YangModelParts;

  private constructor(context: YangContext, schema: SchemaIndex, parts: YangModelParts) {
    this.#context = context;
    this.#schema = schema;
    this.#parts = parts;
  }

  /** The context stays the caller's, and so do the parts. */
  static async open(context: YangContext, parts: YangModelParts = {}): Promise<YangModel> {
    return new YangModel(context, new SchemaIndex(await context.schema()), parts);
  }

  parse(text: string, format: "json" | "xml"): Promise<Answer<Tree>> {
    return this.#answer(this.#context.parse(text, format, { validate: false }));
  }

  edit(tree: Tree, text: string, { format, defaultOperation }: EditOptions): Promise<Answer<Tree>> {
    const options = defaultOperation === undefined ? {} : { defaultOperation };
    return this.#answer(this.#context.edit(own(tree), text, format, options));
  }

  async #answer<T>(work: Promise<T>): Promise<Answer<T>> {
    return answerNamingAllowed(await yangAnswer(work), this.#schema);
  }

  async editSteps(tree: Tree, steps: readonly EditStep[]): Promise<Answer<Tree>> {
    const resolved = this.#resolve(steps);
    if (!resolved.ok) return resolved;
    const work = new StepWork(this.#context, own(tree));
    for (const step of resolved.value) {
      const done = await work.take(step);
      if (!done.ok) {
        await work.drop();
        return answerNamingAllowed(done, this.#schema);
      }
    }
    return answerNamingAllowed(await work.finish(), this.#schema);
  }

  #resolve(steps: readonly EditStep[]): Answer<ResolvedEdit[]> {
    const resolved: ResolvedEdit[] = [];
    const faults = [];
    for (const step of steps) {
      const path = parsePath(step.path);
      const removes = step.operation === "delete" || step.operation === "remove";
      const found = path.ok ? this.#schema.resolve(path.value, { pattern: removes }) : path;
      if (!found.ok) {
        faults.push(...found.faults);
        continue;
      }
      const value = jsonOf(step, found.value.node?.type);
      if (!value.ok) faults.push(...value.faults);
      else resolved.push({ operation: step.operation, path: found.value.path, value: value.value });
    }
    return faults.length > 0 ? { ok: false, faults } : answered(resolved);
  }

  async validate(tree: Tree, since?: Parameters<Model["validate"]>[1]): Promise<Answer<Tree>> {
    const paths = since === undefined ? undefined : affected(since.changes, this.#schema);
    if (since === undefined || paths === undefined) return this.#answer(this.#context.validate(own(tree)));
    await using part = handle(await this.#context.keep(own(tree), paths.looked));
    const valid = await this.#answer(this.#context.validate(part.tree));
    if (!valid.ok) return valid;
    await using looked = handle(valid.value);
    // An edit leaves no default values behind: entries that stay are taken from where they have theirs.
    return answered(await this.#context.merge(own(since.valid), looked.tree, { drop: paths.looked }));
  }

  /** Puts default values into values of RFC 7951 of the node at a path, as changes have them. */
  filler(path: Path): (value: unknown) => unknown {
    return this.#schema.filler(path) as (value: unknown) => unknown;
  }

  async restrict(tree: Tree, hidden: readonly Verdict[], within?: readonly string[]): Promise<Answer<Tree>> {
    if (within === undefined) return answered(await this.#context.restrict(own(tree), hidden));
    const paths = this.#paths(within);
    if (!paths.ok) return paths;
    await using part = handle(await this.#context.keep(own(tree), paths.value));
    return answered(await this.#context.restrict(part.tree, hidden));
  }

  async has(tree: Tree, paths: readonly Path[]): Promise<boolean> {
    await using part = handle(await this.#context.keep(own(tree), paths));
    return !part.tree.empty;
  }

  diff(before: Tree, after: Tree): Promise<readonly TreeChange[]> {
    return this.#context.diff(own(before), own(after));
  }

  /** `sources` where origins are asked for. */
  async read(
    tree: Tree,
    { format, select, defaults, content, depth, origin }: GetOptions,
    sources?: OriginSources,
  ): Promise<Answer<Uint8Array>> {
    const traced =
      origin === undefined || sources === undefined
        ? {}
        : { origin: { ...origin, intended: own(sources.intended), applied: own(sources.applied) } };
    const options = {
      ...traced,
      ...(defaults === undefined ? {} : { defaults }),
      ...(content === undefined ? {} : { content: content === "state" ? ("nonconfig" as const) : content }),
      indent: true,
    };
    if (select !== undefined && "xpath" in select) {
      const chosen = await this.#select(own(tree), select, depth);
      if (!chosen.ok) return chosen;
      await using part = handle(chosen.value);
      return await yangAnswer(this.#context.printOctets(part.tree, format, options));
    }
    const chosen = this.#choice(select);
    if (!chosen.ok) return chosen;
    const levels = depth === undefined ? {} : { levels: depth };
    return yangAnswer(this.#context.printOctets(own(tree), format, { ...options, ...chosen.value, ...levels }));
  }

  /** A selection as one prints it. */
  #choice(
    select: Exclude<GetOptions["select"], { readonly xpath: string }>,
  ): Answer<Pick<YangPrintOptions, "filter" | "keep">> {
    if (select === undefined) return answered({});
    if ("subtree" in select) return answered({ filter: select.subtree });
    const paths = this.#paths(select.paths);
    return paths.ok ? answered({ keep: paths.value }) : paths;
  }

  /** Paths of what a selection may select, never less; the empty one is everything. */
  reach(select: GetOptions["select"]): Answer<readonly Path[]> {
    if (select === undefined) return answered([[]]);
    if ("subtree" in select) return answered(reachOfSubtree(select.subtree, this.#moduleNamed));
    if ("xpath" in select) return answered(reachOfXPath(select.xpath, select.namespaces, this.#moduleNamed));
    return this.#paths(select.paths);
  }

  readonly #moduleNamed = (text: string): string | undefined =>
    this.#context.modules.find(({ name, namespace }) => namespace === text || name === text)?.name;

  /** The input of an operation with default values, or what is wrong with it. */
  async checkInput({ target, name, input }: OperationRequest): Promise<Answer<OperationRequest>> {
    const found = this.#schema.resolve(target, { pattern: false });
    if (!found.ok) return found;
    const path = plain(found.value.path);
    const checked = await yangAnswer(this.#context.checkInput(path, name, input));
    return checked.ok ? answered({ target: path, name, input: checked.value as OperationRequest["input"] }) : checked;
  }

  whole(path: Path): Answer<Path> {
    const found = this.#schema.resolve(path, { pattern: true });
    return found.ok ? answered(plain(found.value.path)) : found;
  }

  /** The steps of a path of the model, which must be one, as JSON has them. */
  steps(path: Path): readonly DocumentStep[] {
    const found = this.#schema.resolve(path, { pattern: true });
    if (!found.ok) throw new Error(found.faults[0]!.message);
    return found.value.path.map(({ member, node }) => {
      const types = new Map(node.children?.map((child) => [child.name.slice(child.name.indexOf(":") + 1), child.type]));
      return { member, isList: node.kind === "list", key: (name, text) => jsonValue(types.get(name), text) };
    });
  }

  /** `tree` and what a document of state has besides. */
  async withState(tree: Tree, document: string): Promise<Answer<Tree>> {
    const state = await yangAnswer(this.#context.parse(document, "json", { state: true, validate: false }));
    if (!state.ok) return state;
    await using said = handle(state.value);
    return yangAnswer(this.#context.merge(own(tree), said.tree));
  }

  async #select(
    tree: YangTree,
    { xpath: expression, namespaces }: XPathSelection,
    depth: number | undefined,
  ): Promise<Answer<YangTree>> {
    const { xpath } = this.#parts;
    if (xpath === undefined) return refused(NO_XPATH);
    return yangAnswer(xpath.select(this.#context, tree, expression, namespaces, depth));
  }

  async nodes(tree: Tree, selection: Path | XPathSelection): Promise<Answer<readonly Path[]>> {
    if (!("xpath" in selection)) {
      const found = await yangAnswer(this.#context.select(own(tree), selection));
      return found.ok ? answered(found.value.map(({ path }) => path)) : found;
    }
    const { xpath } = this.#parts;
    if (xpath === undefined) return refused(NO_XPATH);
    return yangAnswer(xpath.nodes(this.#context, own(tree), selection.xpath, selection.namespaces));
  }

  #paths(texts: readonly string[]): Answer<readonly Path[]> {
    const paths: Path[] = [];
    for (const text of texts) {
      const path = parsePath(text);
      const found = path.ok ? this.#schema.resolve(path.value, { pattern: true }) : path;
      if (!found.ok) return found;
      paths.push(plain(found.value.path));
    }
    return answered(paths);
  }

  document(tree: Tree): Promise<Uint8Array> {
    return this.#context.printOctets(own(tree), "json", { defaults: "explicit", indent: false });
  }

  async write(tree: Tree, options: { readonly indent: boolean } = { indent: false }): Promise<string> {
    const text = await this.#context.print(own(tree), "json", { defaults: "explicit", ...options });
    return options.indent ? `${text.trimEnd()}\n` : text;
  }

  /** RFC 7951 values with all defaults of what a path matches, in the order of the tree. */
  async values(tree: Tree, path: Path): Promise<readonly unknown[]> {
    const matches = await this.#context.select(own(tree), path, { defaults: "report-all" });
    return matches.map(({ value }) => value);
  }

  /** Only what the paths match, as a document with all defaults. */
  async filledDocument(tree: Tree, paths?: readonly Path[]): Promise<string> {
    if (paths === undefined) return this.#context.print(own(tree), "json", { defaults: "report-all" });
    const part = await this.#context.keep(own(tree), paths);
    try {
      return await this.#context.print(part, "json", { defaults: "report-all" });
    } finally {
      await part.dispose();
    }
  }
}

/** libyang cannot be stopped in the middle of an expression, and this thread is everybody's. */
const NO_XPATH = fault("operation-not-supported", "an XPath filter is not possible here: select by paths or subtrees");

/** A tree that goes with its block. */
const handle = (tree: YangTree): { readonly tree: YangTree } & AsyncDisposable => ({
  tree,
  [Symbol.asyncDispose]: () => tree.dispose(),
});

/** Trees of this model are those of its context. */
const own = (tree: Tree): YangTree => tree as YangTree;
