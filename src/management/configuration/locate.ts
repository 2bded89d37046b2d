import type { JsonArray, JsonNode, JsonObject } from "./json-document.ts";

/** A place in a JSON document: a node, or (without `node`) one that is not there. */
export interface Place {
  readonly path: string;
  /** The member name; for a node that is not there, of the first member on the way that is missing. */
  readonly name: string;
  readonly node?: JsonNode;
  /** What holds it, and from where up; the last one is the object itself. */
  readonly holders: readonly (JsonObject | JsonArray)[];
}

interface Segment {
  readonly name: string;
  readonly text: string;
  readonly predicates: readonly { readonly key: string; readonly value: string }[];
}

const SEGMENT = /\/([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)((?:\[[^\]'"]*(?:'[^']*'|"[^"]*")?\])*)/y;
const PREDICATE = /\[\s*([^=\s\]]+)\s*=\s*(?:'([^']*)'|"([^"]*)")\s*\]/g;

function segments(path: string): Segment[] | undefined {
  const found: Segment[] = [];
  let at = 0;
  while (at < path.length) {
    SEGMENT.lastIndex = at;
    const match = SEGMENT.exec(path);
    if (match === null) return undefined;
    at += match[0].length;
    const predicates = [...match[3]!.matchAll(PREDICATE)].map(([, key, single, double]) => ({
      key: key!,
      value: single ?? double ?? "",
    }));
    found.push({ name: `${match[1] ?? ""}${match[2]}`, text: match[0], predicates });
  }
  return found.length === 0 ? undefined : found;
}

const local = (name: string): string => name.slice(name.indexOf(":") + 1);

/** Names of one node may or may not carry its module where it is that of the parent. @see RFC 7951 §4 */
function sameName(a: string, b: string): boolean {
  return a === b || (local(a) === local(b) && (!a.includes(":") || !b.includes(":")));
}

/** The member of that name, qualified or not. */
export function memberNamed(node: JsonObject, name: string): [string, JsonNode] | undefined {
  for (const member of node.members) if (sameName(member[0], name)) return member;
  return undefined;
}

const scalarText = (node: JsonNode | undefined): string | undefined =>
  node === undefined || node.kind === "object" || node.kind === "array" ? undefined : String(node.value);

function satisfies(node: JsonNode, segment: Segment): boolean {
  return segment.predicates.every(({ key, value }) => {
    const operand = key === "." ? node : node.kind === "object" ? memberNamed(node, key)?.[1] : undefined;
    return scalarText(operand) === value;
  });
}

/** Entries that a name tells from all others, as predicates: people find them sooner than by their position. */
function namesOf({ items }: JsonArray): ReadonlyMap<JsonNode, string> {
  const found = new Map<string, JsonNode | undefined>();
  for (const node of items) {
    const name = node.kind === "object" ? scalarText(memberNamed(node, "name")?.[1]) : undefined;
    if (name !== undefined && !name.includes("'")) found.set(name, found.has(name) ? undefined : node);
  }
  const names = new Map<JsonNode, string>();
  for (const [name, node] of found) if (node !== undefined) names.set(node, `name='${name}'`);
  return names;
}

/** Where a list or leaf-list is entered: the entries that the predicates name, else all of them by their name or position. */
function entries(place: Place, array: JsonArray, segment: Segment): Place[] {
  if (array.items.length === 0) return [{ path: place.path, name: place.name, holders: place.holders }];
  const names = namesOf(array);
  const all = array.items.map((node, i) => ({
    path: `${place.path}[${names.get(node) ?? i + 1}]`,
    name: place.name,
    node,
    holders: [...place.holders, array],
  }));
  const named = segment.predicates.length === 0 ? [] : all.filter(({ node }) => satisfies(node, segment));
  // A key may be spelt differently in the text than in libyang's canonical form: then nothing is named.
  return named.length === 0 ? all : named.map((entry) => ({ ...entry, path: place.path + predicateText(segment) }));
}

const predicateText = (segment: Segment): string => segment.text.slice(segment.text.indexOf("["));

function step(place: Place, segment: Segment): Place[] {
  const parent = place.node;
  if (parent === undefined) return [{ ...place, path: `${place.path}/${segment.name}` }];
  if (parent.kind !== "object") return [];
  const found = memberNamed(parent, segment.name);
  const holders = [...place.holders, parent];
  if (found === undefined) return [{ path: `${place.path}/${segment.name}`, name: segment.name, holders }];
  const member: Place = { path: `${place.path}/${found[0]}`, name: found[0], node: found[1], holders };
  return found[1].kind === "array" ? entries(member, found[1], segment) : [member];
}

/** The places that a path of libyang (data or schema location) can mean, also those that are not there. */
export function locate(root: JsonNode, path: string): Place[] {
  const wanted = segments(path);
  if (wanted === undefined) return [];
  const walk = (start: Place): Place[] =>
    wanted.reduce<Place[]>((places, segment) => places.flatMap((place) => step(place, segment)), [start]);
  const found = walk({ path: "", name: "", node: root, holders: [] });
  if (found.some(({ node }) => node !== undefined) || root.kind !== "object") return found;
  // libyang leaves the beginning out for some faults: look for it at any depth.
  const deeper = descendants({ path: "", name: "", node: root, holders: [] }).flatMap((start) =>
    walk(start).filter(({ node }) => node !== undefined),
  );
  return deeper.length > 0 ? deeper : found;
}

function descendants(place: Place): Place[] {
  const { node } = place;
  if (node === undefined || (node.kind !== "object" && node.kind !== "array")) return [];
  const holders = [...place.holders, node];
  const children: Place[] =
    node.kind === "object"
      ? [...node.members].map(([name, child]) => ({ path: `${place.path}/${name}`, name, node: child, holders }))
      : node.items.map((child, i) => ({ path: `${place.path}[${i + 1}]`, name: place.name, node: child, holders }));
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** Takes the node out of what holds it. */
export function prune(place: Place): void {
  const holder = place.holders.at(-1);
  if (holder === undefined || place.node === undefined) return;
  if (holder.kind === "array") holder.items = holder.items.filter((item) => item !== place.node);
  else holder.members.delete(place.name);
}
