import type { EditStep, Session } from "../datastore/index.ts";
import { cliSteps, isCli } from "./cli-origin.ts";
import { carryOutCommit } from "./commit-extension.ts";
import { type Arbiter, commitOf, refuseOthers } from "./extensions.ts";
import { deepestLevel, MOST_LEVELS } from "./json-depth.ts";
import { fromPlainJson } from "./json-values.ts";
import { type Json, keysOf } from "./leaves.ts";
import type { GnmiPath, SetRequest, TypedValue, Update } from "./messages.ts";
import { nanoseconds, type OperationParts } from "./parts.ts";
import { dataPathText, joined, type Pattern, type Wanted } from "./paths.ts";
import type { SchemaNode } from "./schema-tree.ts";
import { GnmiError, must } from "./status.ts";
import { ietfValue } from "./values.ts";

export interface SetParts extends OperationParts {
  readonly arbiter: Arbiter;
}

/** Paths of one request. */
const MOST_STEPS = 100_000;
/** What NETCONF has for the actions of the commit extension: rules are the same for both. */
const OPERATION_OF = {
  commit: "ietf-netconf:commit",
  confirm: "ietf-netconf:commit",
  set_rollback_duration: "ietf-netconf:commit",
  cancel: "ietf-netconf:cancel-commit",
} as const;

/**
 * All of a request, or none of it: deletes, replaces, updates and union replaces as one transaction.
 *
 * @returns a SetResponse
 * @throws {GnmiError}
 * @see gNMI specification §3.4
 */
export async function set(request: SetRequest, session: Session, parts: SetParts): Promise<object> {
  refuseOthers(request.extension, ["commit", "master_arbitration"]);
  parts.arbiter.admit(request.extension);
  const { prefix } = request;
  const count = request.delete.length + request.replace.length + request.update.length + request.union_replace.length;
  if (count > MOST_STEPS) throw new GnmiError("INVALID_ARGUMENT", `${count} paths; ${MOST_STEPS} is the most`);
  if (request.union_replace.length > 0 && count > request.union_replace.length) {
    throw new GnmiError("INVALID_ARGUMENT", "union_replace is the whole configuration: nothing else goes with it");
  }
  const commit = commitOf(request.extension);
  if (count > 0 || commit === undefined) must(parts.access.calling(session, "ietf-netconf:edit-config"));
  if (commit !== undefined) must(parts.access.calling(session, OPERATION_OF[commit.action ?? "commit"]));
  const steps: EditStep[] = [];
  for (const path of request.delete) steps.push({ operation: "remove", path: deletable(parts, prefix, path) });
  for (const [operation, updates] of [
    ["replace", request.replace],
    ["merge", request.update],
    ["union-replace", request.union_replace],
  ] as const) {
    for (const update of updates) {
      if (isCli(prefix, update.path)) steps.push(...(await cliUpdate(parts, prefix, update, operation)));
      else steps.push(...stepsOf(parts, prefix, update, operation));
    }
  }

  if (commit !== undefined) await carryOutCommit(commit, steps, session, parts.management);
  else if (steps.length > 0) must(await parts.management.transact(session, steps));
  const results = [
    ...request.delete.map((path) => ({ path, op: "DELETE" })),
    ...request.replace.map(({ path }) => ({ path, op: "REPLACE" })),
    ...request.update.map(({ path }) => ({ path, op: "UPDATE" })),
    ...request.union_replace.map(({ path }) => ({ path, op: "UNION_REPLACE" })),
  ];
  return { prefix, response: results, timestamp: String(nanoseconds(parts.clock)) };
}

/** Lines of words: merged, or all that there is. */
async function cliUpdate(
  parts: SetParts,
  prefix: GnmiPath | null,
  { path, val }: Update,
  operation: "replace" | "merge" | "union-replace",
): Promise<readonly EditStep[]> {
  if (operation === "union-replace") {
    throw new GnmiError("INVALID_ARGUMENT", "union_replace is not for origin cli: replace is the whole of it as well");
  }
  const lines = await cliSteps(parts, joined(prefix, path), val);
  return operation === "replace" ? [{ operation: "remove", path: "/" }, ...lines] : lines;
}

/** Wildcards may stand in a delete. @see gNMI specification §3.4.6 */
function deletable({ model }: SetParts, prefix: GnmiPath | null, path: GnmiPath): string {
  if (isCli(prefix, path)) {
    throw new GnmiError("INVALID_ARGUMENT", "origin cli deletes by lines of delete in an update, not by a path");
  }
  const wanted = model.paths.read(prefix, path);
  const pattern = single(wanted);
  if (pattern.at(-1)?.node.schema.config === false) throw readOnly(wanted.text);
  return dataPathText(pattern, wanted.text);
}

/** @throws {GnmiError} where wildcards make it several kinds of nodes */
function single({ patterns, text }: Wanted): Pattern {
  if (patterns.length !== 1) throw severalKinds(text);
  return patterns[0]!;
}

const severalKinds = (text: string): GnmiError =>
  new GnmiError("INVALID_ARGUMENT", `${text}: a path to be changed names one kind of node, without * and ...`);

const readOnly = (text: string): GnmiError =>
  new GnmiError("INVALID_ARGUMENT", `${text} is state of the router: it cannot be set`);

function* stepsOf(
  parts: SetParts,
  prefix: GnmiPath | null,
  update: Update,
  operation: "replace" | "merge" | "union-replace",
): Generator<EditStep, void, void> {
  const wanted = parts.model.paths.read(prefix, update.path);
  const { text } = wanted;
  const pattern = single(wanted);
  if (wanted.hasOpenName) throw severalKinds(text);
  const node = pattern.at(-1)?.node;
  if (node?.schema.config === false) throw readOnly(text);
  const isOpen = pattern.slice(0, -1).some((step) => step.node.keys.some((key) => step.keys[key] === undefined));
  if (isOpen) throw new GnmiError("INVALID_ARGUMENT", `${text}: a list above has no keys in the path`);
  if (update.val === null) throw new GnmiError("INVALID_ARGUMENT", `${text}: the update has no val`);
  const value = valueSent(parts, node, update.val, text);
  const path = dataPathText(pattern, text);
  const given = { path, value: JSON.stringify(value) };

  switch (node?.schema.kind) {
    case undefined:
      if (operation === "replace") yield { operation: "remove", path: "/" };
      yield { operation: operation === "union-replace" ? operation : "merge", ...given };
      return;
    case "leaf-list":
      // It is one leaf here: its values are replaced together. gNMI specification §2.2.3
      if (operation !== "union-replace") yield { operation: "remove", path };
      yield { operation: operation === "union-replace" ? operation : "merge", ...given };
      return;
    case "list":
      yield* entrySteps(pattern, value, operation, text);
      return;
    default:
      yield { operation, ...given };
  }
}

/** One entry, or all of a list where the path has no keys. */
function* entrySteps(
  pattern: Pattern,
  value: unknown,
  operation: "replace" | "merge" | "union-replace",
  text: string,
): Generator<EditStep, void, void> {
  const { node, keys } = pattern.at(-1)!;
  const missing = node.keys.filter((key) => keys[key] === undefined);
  if (missing.length === 0) {
    if (!isObject(value)) throw new GnmiError("INVALID_ARGUMENT", `${text}: a list entry is an object`);
    for (const [key, wanted] of Object.entries(keysOf(node, value))) {
      const isOther = wanted !== "" && wanted !== keys[key];
      if (isOther) throw new GnmiError("INVALID_ARGUMENT", `${text}: the value has another ${key} (${wanted})`);
    }
    yield { operation, path: dataPathText(pattern, text), value: JSON.stringify(value) };
    return;
  }
  if (missing.length < node.keys.length || !Array.isArray(value)) {
    throw new GnmiError("INVALID_ARGUMENT", `${text}: give the key ${missing.join(", ")}, or an array of all entries`);
  }
  if (operation === "replace") yield { operation: "remove", path: dataPathText(pattern, text) };
  for (const entry of value) {
    if (!isObject(entry)) throw new GnmiError("INVALID_ARGUMENT", `${text}: an entry of the array is no object`);
    const own = keysOf(node, entry);
    const lacking = node.keys.find((key) => own[key] === "");
    if (lacking !== undefined) throw new GnmiError("INVALID_ARGUMENT", `${text}: an entry has no ${lacking}`);
    const path = dataPathText([...pattern.slice(0, -1), { node, keys: own }], text);
    yield { operation: operation === "union-replace" ? operation : "merge", path, value: JSON.stringify(entry) };
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** As RFC 7951 has it. */
function valueSent({ model }: SetParts, node: SchemaNode | undefined, sent: TypedValue, text: string): unknown {
  const isLeaf = node?.schema.kind === "leaf" || node?.schema.kind === "leaf-list";
  switch (sent.value) {
    case "json_ietf_val":
      return unnamed(node, parsed(sent.json_ietf_val, text), text, isLeaf);
    case "json_val":
      return fromPlainJson(node ?? model.root, parsed(sent.json_val, text));
    default:
      if (!isLeaf) {
        throw new GnmiError("INVALID_ARGUMENT", `${text} is no leaf: give its value as json_ietf_val or json_val`);
      }
      return ietfValue(node.schema.type, sent, text);
  }
}

function parsed(octets: Buffer, text: string): unknown {
  try {
    if (deepestLevel(octets) > MOST_LEVELS) throw new SyntaxError(`it nests deeper than ${MOST_LEVELS} levels`);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(octets)) as unknown;
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : "it is not UTF-8";
    throw new GnmiError("INVALID_ARGUMENT", `${text}: the value is not JSON (${reason})`);
  }
}

/** Members at the top may be named with the module of the node they are in, as they stand apart from it. RFC 7951 §4 */
function unnamed(node: SchemaNode | undefined, value: unknown, text: string, isLeaf: boolean): unknown {
  if (node === undefined || isLeaf) return value;
  if (Array.isArray(value)) return value.map((entry) => unnamed(node, entry, text, isLeaf));
  if (!isObject(value)) throw new GnmiError("INVALID_ARGUMENT", `${text}: its value is an object`);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      node.byName.get(name)?.qualified === name ? node.byName.get(name)!.member : name,
      member,
    ]),
  );
}
