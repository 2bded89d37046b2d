import { type Clock, Slices } from "../../base/index.ts";
import {
  type Answer,
  answered,
  type EditStep,
  formatPath,
  letGo,
  localName,
  type Model,
  type Path,
  parsePath,
  type Tree,
  type Verdict,
} from "../datastore/index.ts";
import { held } from "./held.ts";

/** What was sent: a document of an edit, the whole configuration, or steps. */
export type Sent = string | readonly EditStep[];

interface SecretLeaf {
  /** Of its list entry, for any keys. */
  readonly entry: string;
  readonly depth: number;
  /** Bare names. */
  readonly list: string;
  readonly leaf: string;
}

/** Characters of a text that are looked at in one go. */
const PART = 1 << 20;

/**
 * Secrets are told to nobody, so whoever reads a configuration and writes it back cannot give them again: a secret stays
 * where an entry is replaced by one of the same keys without it. What an edit has no entry for, or takes away by name, goes.
 */
export class KeptSecrets {
  readonly #model: Model;
  readonly #clock: Clock;
  readonly #leaves: readonly SecretLeaf[];

  /** `secrets`: leaves of list entries, by the names of their paths. */
  constructor(model: Model, clock: Clock, secrets: readonly Verdict[] = []) {
    this.#model = model;
    this.#clock = clock;
    this.#leaves = secrets.map(({ path }) => leafOf(path));
  }

  /**
   * What `after` is with the secrets that `before` had and `sent` said nothing of. Takes `after`; `before` stays the caller's.
   * Without work for the model where `sent` has no entry that could lack one.
   */
  async in(before: Tree, after: Tree, sent: Sent): Promise<Answer<Tree>> {
    let tree = after;
    for (const leaf of this.#leaves) {
      if (!(await this.#names(sent, leaf.list))) continue;
      const next = await this.#keep(before, tree, sent, leaf);
      if (!next.ok) {
        letGo(tree);
        return next;
      }
      if (next.value === undefined) continue;
      letGo(tree);
      tree = next.value;
    }
    return answered(tree);
  }

  /** `undefined`: nothing is missing. The trees stay the caller's. */
  async #keep(before: Tree, after: Tree, sent: Sent, leaf: SecretLeaf): Promise<Answer<Tree | undefined>> {
    const old = await this.#model.restrict(before, [], [leaf.entry]);
    if (!old.ok) return old;
    using oldEntries = held(old.value);
    if (oldEntries.tree.empty) return answered(undefined);
    const next = await this.#model.restrict(after, [], [leaf.entry]);
    if (!next.ok) return next;
    using nextEntries = held(next.value);
    const changes = await this.#model.diff(oldEntries.tree, nextEntries.tree);
    // An entry that is gone altogether is one change, of a shorter path.
    const lost = changes.filter(({ operation, path }) => {
      return operation === "delete" && path.length === leaf.depth && localName(path.at(-1)!) === leaf.leaf;
    });
    if (lost.length === 0 || takesAway(sent, leaf.leaf)) return answered(undefined);
    const steps = lost.map(({ path, old: value }) => {
      return { operation: "merge", path: formatPath(path), value: JSON.stringify(value) } as const;
    });
    return this.#model.editSteps(after, steps);
  }

  /** Whether a name could be in it: JSON may have any written in escapes. */
  async #names(sent: Sent, name: string): Promise<boolean> {
    const has = (text: string): boolean => text.includes(name) || text.includes("\\u");
    if (typeof sent === "string") {
      const slices = new Slices(this.#clock, { stepsPerLook: 1 });
      for (let at = 0; at < sent.length; at += PART) {
        // With as much of the next part as a name could reach into it.
        if (has(sent.slice(at, at + PART + name.length))) return true;
        if (slices.isOver) await slices.next();
      }
      return false;
    }
    const slices = new Slices(this.#clock);
    for (const step of sent) {
      if (has(step.path) || ("value" in step && has(step.value))) return true;
      if (slices.isOver) await slices.next();
    }
    return false;
  }
}

function leafOf(path: Path): SecretLeaf {
  const [list, leaf] = path.slice(-2);
  return { entry: formatPath(path.slice(0, -1)), depth: path.length, list: localName(list!), leaf: localName(leaf!) };
}

/** Whether an operation takes the leaf itself away. */
function takesAway(sent: Sent, leaf: string): boolean {
  if (typeof sent !== "string") {
    return sent.some(({ operation, path }) => {
      if (operation !== "delete" && operation !== "remove") return false;
      const read = parsePath(path);
      const last = read.ok ? read.value.at(-1) : undefined;
      return last !== undefined && localName(last) === leaf;
    });
  }
  const name = `(?:[\\w.-]+:)?${leaf}`;
  // As an attribute of XML, and as metadata of JSON (RFC 7952 §5.2.2).
  const taking = `<${name}\\s[^<>]*\\boperation\\s*=\\s*["'](?:delete|remove)["']|"@${name}"\\s*:\\s*\\{[^}]*"(?:delete|remove)"`;
  return new RegExp(taking).test(sent);
}
