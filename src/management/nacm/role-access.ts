import { type Clock, milliseconds } from "../../base/index.ts";
import {
  type Access,
  type Answer,
  answered,
  type Change,
  fault,
  formatPath,
  localName,
  type ManagementFault,
  type Path,
  parsePath,
  refused,
  type TreeChange,
  type Verdict,
} from "../datastore/index.ts";
import { keysOf, type Refusal, refusals } from "./refusals.ts";
import type { Role } from "./role.ts";
import { type AccessNode, nodeAt } from "./schema.ts";

/** Times that something was denied since the start. @see RFC 8341 §3.5.2 */
export interface DeniedCounters {
  operations: number;
  dataWrites: number;
  notifications: number;
}

type Json = Readonly<Record<string, unknown>>;

const SLICE = milliseconds(4);
/** The clock is read once in so many nodes. */
const NODES_PER_LOOK = 64;
/** Nodes that one refusal names. */
const MOST_FAULTS = 16;

/** What a role may do, as datastores and protocols ask. */
export class RoleAccess implements Access {
  readonly role: Role;
  readonly #denied: DeniedCounters;
  readonly #clock: Clock;
  /** By node of a row: can all of it be read, wherever it is? */
  readonly #rows = new Map<AccessNode, "all" | "none" | "some">();

  constructor(role: Role, denied: DeniedCounters, clock: Clock) {
    this.role = role;
    this.#denied = denied;
    this.#clock = clock;
  }

  get hidden(): readonly Verdict[] {
    return this.role.hidden;
  }

  get writesAll(): boolean {
    return this.role.writesAll;
  }

  mayRead(path: Path): boolean {
    const node = nodeAt(this.role.schema, path);
    return node === undefined ? path.length === 0 : this.role.mayRead(node, path);
  }

  /** Whether a node and everything that is in it may be read. */
  mayReadAll(path: Path): boolean {
    const node = nodeAt(this.role.schema, path);
    return node !== undefined && this.#kindOf(node) === "all";
  }

  mayDelete(path: Path): boolean {
    const node = nodeAt(this.role.schema, path);
    return node !== undefined && this.role.mayRead(node, path) && this.role.allows(node, "delete", path);
  }

  mayWrite(path: Path): boolean {
    const node = nodeAt(this.role.schema, path);
    if (node === undefined) return path.length === 0 && this.writesAll;
    return (["create", "update", "delete"] as const).some((operation) => this.role.allows(node, operation, path));
  }

  async writing(changes: readonly TreeChange[]): Promise<Answer<void>> {
    if (this.writesAll) return answered(undefined);
    const faults: ManagementFault[] = [];
    let started = this.#clock.monotonic();
    let seen = 0;
    for (const refusal of refusals(this.role, changes)) {
      if (refusal !== undefined) faults.push(this.#denies(refusal));
      if (faults.length >= MOST_FAULTS) break;
      if (++seen % NODES_PER_LOOK !== 0 || this.#clock.monotonic() - started < SLICE) continue;
      await new Promise<void>((resolve) => this.#clock.soon(resolve));
      started = this.#clock.monotonic();
    }
    if (faults.length === 0) return answered(undefined);
    this.#denied.dataWrites++;
    return { ok: false, faults };
  }

  acting(target: Path, name: string): Answer<void> {
    const node = nodeAt(this.role.schema, target);
    const action = [...(node?.children.values() ?? [])].find(
      ({ kind, step }) => kind === "action" && localName(step) === localName({ name }),
    );
    if (node === undefined || action === undefined) return answered(undefined); // whoever carries it out says so
    const path = [...target, action.step];
    if (this.role.mayRead(node, target) && this.role.allows(action, "exec", path)) return answered(undefined);
    this.#denied.operations++;
    const message = `the access control does not let you call ${localName({ name })} here`;
    return refused(fault("access-denied", message, this.#readableTop(target)));
  }

  readable(path: Path, value: unknown): unknown {
    if (path.length === 0)
      return this.hidden.length === 0 ? value : this.#object(this.role.schema, path, value as Json);
    const node = nodeAt(this.role.schema, path);
    if (node === undefined) return undefined;
    let kind = this.#rows.get(node);
    if (kind === undefined) {
      kind = this.#kindOf(node);
      this.#rows.set(node, kind);
    }
    if (kind !== "some") return kind === "all" ? value : undefined;
    if (node.kind === "leaf-list" && Array.isArray(value) && path.at(-1)!.value === undefined) {
      const above = path.slice(0, -1);
      return this.mayRead(above) ? this.#member(node, above, value) : undefined;
    }
    return this.role.mayRead(node, path) ? this.#inside(node, path, value) : undefined;
  }

  readableChanges(changes: readonly Change[]): readonly Change[] {
    if (this.hidden.length === 0) return changes;
    return changes.flatMap((change) => {
      const path = parsePath(change.path);
      if (!path.ok || !this.mayRead(path.value)) return [];
      const seen = (value: unknown): unknown => (value === undefined ? undefined : this.readable(path.value, value));
      const [value, was] = [seen(change.value), seen(change.was)];
      const { operation } = change;
      return [
        {
          ...{ operation, path: change.path },
          ...(value === undefined ? {} : { value }),
          ...(was === undefined ? {} : { was }),
        },
      ];
    });
  }

  told(faults: readonly ManagementFault[]): readonly ManagementFault[] {
    if (this.hidden.length === 0) return faults;
    return faults.map((said) => {
      const path = said.path === undefined ? undefined : parsePath(said.path);
      if (path?.ok !== true) return said;
      const node = nodeAt(this.role.schema, path.value);
      if (node === undefined || this.role.mayRead(node, path.value)) return said;
      const { errorType, errorSeverity, errorTag } = said;
      const where = this.#readableTop(path.value);
      // That something is there, or is not, would be told by the tag.
      if (errorTag === "data-exists" || errorTag === "data-missing")
        return fault("access-denied", "the access control does not let you change this", where);
      return { errorType, errorSeverity, errorTag, ...where, message: "this is refused for what you may not read" };
    });
  }

  #denies({ path, operation }: Refusal): ManagementFault {
    return fault("access-denied", `the access control does not let you ${operation} this`, this.#readableTop(path));
  }

  /** The path as far as it may be read: there is nothing told of what may not. */
  #readableTop(path: Path): { readonly path?: string } {
    let end = 0;
    while (end < path.length && this.mayRead(path.slice(0, end + 1))) end++;
    return end === 0 ? {} : { path: formatPath(path.slice(0, end)) };
  }

  #kindOf(node: AccessNode): "all" | "none" | "some" {
    let all = this.role.allowsAll(node, "read");
    for (let here: AccessNode | undefined = node; here !== undefined; here = here.parent) {
      const { cases, permit } = this.role.decision(here, "read");
      if (cases.length === 0 && !permit) return "none";
      if (cases.length > 0) all = false;
    }
    return all ? "all" : "some";
  }

  #inside(node: AccessNode, path: Path, value: unknown): unknown {
    if (this.role.readsWhole(node)) return value;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? this.#object(node, path, value as Json) : value;
  }

  #object(node: { readonly children: AccessNode["children"] }, path: Path, value: Json): Json {
    const kept: [string, unknown][] = [];
    for (const [name, member] of Object.entries(value)) {
      const child = node.children.get(name);
      if (child === undefined) continue;
      const seen = this.#member(child, path, member);
      if (seen !== undefined) kept.push([name, seen]);
    }
    return Object.fromEntries(kept);
  }

  #member(child: AccessNode, path: Path, member: unknown): unknown {
    if (child.isKey) return member;
    if (child.kind === "list" && Array.isArray(member)) {
      const entries = (member as readonly Json[]).flatMap((entry) => {
        const here = [...path, { ...child.step, keys: keysOf(child, entry) }];
        return this.role.allows(child, "read", here) ? [this.#inside(child, here, entry)] : [];
      });
      return entries.length === 0 ? undefined : entries;
    }
    if (child.kind === "leaf-list" && Array.isArray(member)) {
      const values = member.filter((one) =>
        this.role.allows(child, "read", [...path, { ...child.step, value: String(one) }]),
      );
      return values.length === 0 && member.length > 0 ? undefined : values;
    }
    const here = [...path, child.step];
    return this.role.allows(child, "read", here) ? this.#inside(child, here, member) : undefined;
  }
}
