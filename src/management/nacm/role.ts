import type { Path, Verdict } from "../datastore/index.ts";
import { type Case, CaseIndex } from "./cases.ts";
import { ACCESS_OPERATIONS, type AccessOperation, type NacmConfiguration, type Rule } from "./configuration.ts";
import { type AccessNode, type AccessSchema, each, nodeAt } from "./schema.ts";

/** The answer for all instances of a node: the first case that fits, else `permit`. */
export interface Decision {
  readonly cases: readonly Case[];
  readonly permit: boolean;
  readonly index: CaseIndex;
}

const ALWAYS: Decision = { cases: [], permit: true, index: new CaseIndex([]) };
const NEVER: Decision = { cases: [], permit: false, index: new CaseIndex([]) };
const PLACE = Object.fromEntries(ACCESS_OPERATIONS.map((operation, i) => [operation, i])) as Readonly<
  Record<AccessOperation, number>
>;

/**
 * What the rules say to the members of some groups. Rules are looked through once for each node of the model and kind of
 * access, when it is first asked about; instances are looked at only where a rule names some.
 *
 * @see RFC 8341 §3.4.4 to §3.4.6
 */
export class Role {
  readonly schema: AccessSchema;
  readonly #rules: readonly Rule[];
  readonly #defaults: NacmConfiguration["defaults"];
  readonly #decisions: Map<AccessNode, Decision>[] = ACCESS_OPERATIONS.map(() => new Map());
  readonly #uniform: Map<AccessNode, boolean>[] = ACCESS_OPERATIONS.map(() => new Map());
  /** Node that the path of a rule names. */
  readonly #named = new Map<Rule, AccessNode | undefined>();
  readonly #whole = new Map<AccessNode, boolean>();
  readonly #cases = new Map<Rule, Case>();
  readonly #places = new Map<Case, number>();
  /** Each decision is one object, however many nodes it is about: by the rules that have cases in it. */
  readonly #made = new Map<string, Decision>();
  #hidden: readonly Verdict[] | undefined;
  #writesAll: boolean | undefined;

  /** `rules`: those for these groups, in their order. */
  constructor(schema: AccessSchema, rules: readonly Rule[], defaults: NacmConfiguration["defaults"]) {
    this.schema = schema;
    this.#rules = rules;
    this.#defaults = defaults;
    for (const [place, rule] of rules.entries()) {
      const { type, permit } = rule;
      if (type.kind !== "data") continue;
      this.#named.set(rule, nodeAt(schema, plain(type.path)));
      const own = { path: type.path, permit };
      this.#cases.set(rule, own);
      this.#places.set(own, place);
    }
  }

  /** @see RFC 8341 §3.4.5 steps 6 to 13 */
  decision(node: AccessNode, operation: AccessOperation): Decision {
    const known = this.#decisions[PLACE[operation]]!;
    let decision = known.get(node);
    if (decision === undefined) {
      decision =
        node.isKey && node.parent !== undefined
          ? this.decision(node.parent, operation)
          : this.#decided(node, operation);
      known.set(node, decision);
    }
    return decision;
  }

  /** Whether the node at the end of `path`, whose schema node is `node`, may be accessed so; what it stands in is not asked about. */
  allows(node: AccessNode, operation: AccessOperation, path: Path): boolean {
    const { cases, permit, index } = this.decision(node, operation);
    return cases.length === 0 ? permit : (index.first(path)?.permit ?? permit);
  }

  /** Whether every instance of the node, and of all nodes in it, may be accessed so. */
  allowsAll(node: AccessNode, operation: AccessOperation): boolean {
    const known = this.#uniform[PLACE[operation]]!;
    let all = known.get(node);
    if (all === undefined) {
      const { cases, permit } = this.decision(node, operation);
      const isMade = operation !== "read" && operation !== "exec" && node.isImplied;
      all = isMade || (permit && cases.length === 0);
      if (all) {
        for (const child of node.children.values()) {
          if (!isData(child) || this.allowsAll(child, operation)) continue;
          all = false;
          break;
        }
      }
      known.set(node, all);
    }
    return all;
  }

  /** Whether a node and everything that it stands in may be read. */
  mayRead(node: AccessNode, path: Path): boolean {
    let last: Decision | undefined;
    for (let here: AccessNode | undefined = node; here !== undefined; here = here.parent) {
      const own = this.decision(here, "read");
      // The cases of one are looked at once: what they name is above all nodes that have them.
      if (own !== last && !this.allows(here, "read", path)) return false;
      last = own;
    }
    return true;
  }

  /** Whether all in an instance may be read where the instance itself may: nothing in it is decided about in another way. */
  readsWhole(node: AccessNode): boolean {
    let whole = this.#whole.get(node);
    if (whole === undefined) {
      whole = this.#follows(node, this.decision(node, "read"));
      this.#whole.set(node, whole);
    }
    return whole;
  }

  get hidden(): readonly Verdict[] {
    this.#hidden ??= this.schema.top.flatMap((node) => this.#hiddenIn(node, [], undefined));
    return this.#hidden;
  }

  get writesAll(): boolean {
    this.#writesAll ??= (["create", "update", "delete"] as const).every((operation) =>
      this.schema.top.every((node) => this.allowsAll(node, operation)),
    );
    return this.#writesAll;
  }

  /** @see RFC 8341 §3.4.4 steps 6 to 12 */
  operation(module: string, name: string, isDenied: boolean): boolean {
    for (const { type, module: of, operations, permit } of this.#rules) {
      if (of !== undefined && of !== module) continue;
      if (type.kind !== "any" && !(type.kind === "operation" && (type.name ?? name) === name)) continue;
      if (operations.includes("exec")) return permit;
    }
    if (isDenied) return false;
    if (module === "ietf-netconf" && (name === "kill-session" || name === "delete-config")) return false;
    return this.#defaults.exec;
  }

  /** Of a notification at the top of its module. @see RFC 8341 §3.4.6 steps 6 to 11 */
  notification(module: string, name: string, isDenied: boolean): boolean {
    for (const { type, module: of, operations, permit } of this.#rules) {
      if (of !== undefined && of !== module) continue;
      if (type.kind !== "any" && !(type.kind === "notification" && (type.name ?? name) === name)) continue;
      if (operations.includes("read")) return permit;
    }
    return !isDenied && this.#defaults.read;
  }

  #follows(node: AccessNode, decision: Decision): boolean {
    for (const child of node.children.values()) {
      if (!isData(child)) continue;
      const own = this.decision(child, "read");
      if ((own !== ALWAYS && own !== decision) || !this.#follows(child, decision)) return false;
    }
    return true;
  }

  /** Cases that say what is said without them are left out. */
  #one(cases: readonly Case[], permit: boolean): Decision {
    const last = cases.findLastIndex((one) => one.permit !== permit);
    if (last < 0) return permit ? ALWAYS : NEVER;
    const kept = cases.slice(0, last + 1);
    const key = `${permit} ${kept.map((one) => this.#places.get(one)).join(" ")}`;
    let decision = this.#made.get(key);
    if (decision === undefined) {
      decision = { cases: kept, permit, index: new CaseIndex(kept) };
      this.#made.set(key, decision);
    }
    return decision;
  }

  #decided(node: AccessNode, operation: AccessOperation): Decision {
    const cases: Case[] = [];
    for (const rule of this.#rules) {
      const { type, module, operations, permit } = rule;
      if (module !== undefined && module !== node.module) continue;
      if (!operations.includes(operation)) continue;
      if (type.kind === "any") return this.#one(cases, permit);
      if (type.kind !== "data" || !this.#isAbove(rule, node)) continue;
      if (!type.path.some(({ keys, starts, value }) => keys ?? starts ?? value)) return this.#one(cases, permit);
      cases.push(this.#cases.get(rule)!);
    }
    return this.#one(cases, this.#otherwise(node, operation));
  }

  /** Whether a rule's path is that of the node, or of something that it stands in. */
  #isAbove(rule: Rule, node: AccessNode): boolean {
    if (rule.type.kind !== "data") return false;
    if (rule.type.path.length === 0) return true;
    const named = this.#named.get(rule);
    if (named === undefined) return false;
    for (let here: AccessNode | undefined = node; here !== undefined; here = here.parent)
      if (here === named) return true;
    return false;
  }

  /** @see RFC 8341 §3.4.5 steps 9 to 13 */
  #otherwise(node: AccessNode, operation: AccessOperation): boolean {
    switch (operation) {
      case "read":
        return !node.denyAll && this.#defaults.read;
      case "exec":
        return this.#defaults.exec;
      default:
        return !node.denyAll && !node.denyWrite && this.#defaults.write;
    }
  }

  /** `above`: what was decided about the node that it stands in, which decides about both. */
  #hiddenIn(node: AccessNode, path: Path, above: Decision | undefined): readonly Verdict[] {
    if (!isData(node) || node.isKey || this.allowsAll(node, "read")) return [];
    const own = this.decision(node, "read");
    const here = [...path, node.step];
    if (own.cases.length === 0 && !own.permit) return [{ path: here, cases: own.cases, permit: own.permit }];
    const below = each(node.children).flatMap((child) => this.#hiddenIn(child, here, own));
    return own.cases.length === 0 || own === above
      ? below
      : [{ path: here, cases: own.cases, permit: own.permit }, ...below];
  }
}

const isData = ({ kind }: AccessNode): boolean => kind !== "action" && kind !== "notification";

const plain = (path: Path): Path => path.map(({ name }) => ({ name }));
