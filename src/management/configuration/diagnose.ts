import type { YangContext, YangError, YangFault } from "../../../native/api.ts";
import type { ConfigurationFault } from "./error.ts";
import { type JsonNode, type JsonObject, type PrintedDocument, printJsonDocument } from "./json-document.ts";
import { locate, memberNamed, type Place } from "./locate.ts";
import { Removed } from "./removed.ts";
import { isUntold, reasonOf, reasonOfSecret } from "./wording.ts";

/** Faults that are told apart at most; each costs one more validation, so large documents get fewer. */
const MAX_FAULTS = 50;
const MIN_FAULTS = 3;
/** Octets that all validations of one diagnosis may parse together. */
const PARSE_BUDGET = 20_000_000;

const MAX_VALUE = 80;

export function isYangError(error: unknown): error is YangError {
  return error instanceof Error && (error as Partial<YangError>).code === "EYANG";
}

/**
 * Every fault of a document that is known to be wrong.
 *
 * libyang stops at the first fault. So each one is taken out of the document and the rest is validated again: first
 * the form of all values, then, if that was right, references and conditions. What a reported fault alone brings about
 * (a leafref into an entry that was taken out, a mandatory leaf that was) is not reported. `root` is used up.
 */
export async function diagnose(root: JsonNode, context: YangContext): Promise<readonly ConfigurationFault[]> {
  const form = await collect(root, context, { validate: false });
  const faults = form.length > 0 ? form : await collect(root, context, { validate: true });
  return faults.toSorted((a, b) => (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER));
}

async function collect(
  root: JsonNode,
  context: YangContext,
  options: { readonly validate: boolean },
): Promise<ConfigurationFault[]> {
  const faults: ConfigurationFault[] = [];
  const removed = new Removed();
  const size = Math.max(1, printJsonDocument(root).text.length);
  const rounds = Math.min(MAX_FAULTS, Math.max(MIN_FAULTS, Math.floor(PARSE_BUDGET / size)));
  let before = "";
  for (let round = 0; round < rounds; round++) {
    const printed = printJsonDocument(root);
    // What was taken out was not there: libyang would say the same again.
    if (printed.text === before) return faults;
    before = printed.text;
    const fault = await firstFault(printed.text, context, options);
    if (fault === undefined) return faults;
    const places = placesOf(root, printed, fault);
    if (places.length === 0) {
      faults.push(withoutPlace(fault));
      return faults;
    }
    for (const place of places) {
      if (!removed.explains(place, fault)) faults.push(describe(place, fault));
      removed.take(place);
    }
    if (root.kind !== "object" || root.members.size === 0) return faults; // nothing is left to look at
  }
  faults.push({ reason: `only the first ${faults.length} faults were looked for`, tag: "more-faults" });
  return faults;
}

async function firstFault(
  text: string,
  context: YangContext,
  options: { readonly validate: boolean },
): Promise<YangFault | undefined> {
  try {
    const tree = await context.parse(text, "json", options);
    await tree.dispose();
    return undefined;
  } catch (error) {
    if (!isYangError(error)) throw error;
    return error.faults[0]!;
  }
}

const IS_ABSENCE = /^(Mandatory node|Too few) /;
const QUOTED = /"([^"\s]+)"/;

/** The nodes that a fault is about; several only where libyang names a schema node that is missing in several entries. */
function placesOf(root: JsonNode, printed: PrintedDocument, fault: YangFault): Place[] {
  const atLine = fault.line === undefined ? undefined : printed.nodes[fault.line - 1];
  const found = fault.path === undefined ? [{ path: "", name: "", node: root, holders: [] }] : locate(root, fault.path);
  const missing = found.filter(({ node }) => node === undefined);
  const there = found.filter(({ node }) => node !== undefined);
  if (there.length === 0 || IS_ABSENCE.test(fault.message)) return missing;
  const place = there.length === 1 ? there[0]! : nearest(there, atLine, printed, fault.line);
  return [memberMeant(place, fault.message)];
}

function nearest(
  places: Place[],
  atLine: JsonNode | undefined,
  printed: PrintedDocument,
  line: number | undefined,
): Place {
  const exact = places.find(({ node }) => node === atLine);
  if (exact !== undefined || line === undefined) return exact ?? places[0]!;
  const before = places.filter(({ node }) => printed.nodes.indexOf(node!) < line);
  return before.at(-1) ?? places[0]!;
}

/** A fault of a container that quotes the name of a member of it is about that member. */
function memberMeant(place: Place, message: string): Place {
  if (
    place.node?.kind !== "object" ||
    !/^(Node|The |No module|Top-level|Unknown|Duplicate|Expecting JSON)/.test(message)
  )
    return place;
  const quoted = QUOTED.exec(message)?.[1];
  if (quoted === undefined) return place;
  const member = memberNamed(place.node, quoted) ?? memberOfModule(place.node, quoted);
  if (member === undefined) return place;
  return {
    path: `${place.path}/${member[0]}`,
    name: member[0],
    node: member[1],
    holders: [...place.holders, place.node],
  };
}

function memberOfModule(node: JsonObject, module: string): [string, JsonNode] | undefined {
  for (const member of node.members) if (member[0].startsWith(`${module}:`)) return member;
  return undefined;
}

function withoutPlace(fault: YangFault): ConfigurationFault {
  return {
    ...(fault.path === undefined ? {} : { path: fault.path }),
    reason: reasonOf(fault.message),
    ...(fault.appTag === undefined ? {} : { tag: fault.appTag }),
  };
}

function describe(place: Place, fault: YangFault): ConfigurationFault {
  const line = (place.node ?? place.holders.at(-1))?.line;
  const value = valueText(place);
  return {
    path: place.path,
    ...(value === undefined ? {} : { value }),
    reason: isUntold(place.name) ? reasonOfSecret(fault.message, fault.appTag, place.path) : reasonOf(fault.message),
    ...(fault.appTag === undefined ? {} : { tag: fault.appTag }),
    ...(line === undefined ? {} : { line }),
  };
}

/** The value as JSON on one line, where it is a single one and no secret. */
export function valueText(place: { readonly name: string; readonly node?: JsonNode }): string | undefined {
  const { node } = place;
  if (node === undefined || node.kind === "object" || node.kind === "array" || isUntold(place.name)) return undefined;
  return node.source.length <= MAX_VALUE ? node.source : `${node.source.slice(0, MAX_VALUE)}…`;
}
