import type { YangFault } from "../../../native/api.ts";
import type { JsonNode, JsonObject } from "./json-document.ts";
import { parseJsonDocument } from "./json-document.ts";
import { type Place, prune } from "./locate.ts";

/**
 * What stands in for a mandatory node of the router itself that is missing, so that the rest can still be looked at.
 * Without a stand-in, what holds the node goes.
 */
const STAND_INS: Readonly<Record<string, string>> = {
  "/semrd-router:router/name": '"x"',
  "/semrd-router:router/router-id": '"192.0.2.1"',
  "/semrd-router:router/domain/dns-zone": '"invalid"',
  "/semrd-router:router/domain/prefix": '"2001:db8::/48"',
  "/semrd-router:router/site/selector": "1",
  "/semrd-router:router/site/locator": '"2001:db8::1"',
};

const schemaPath = (path: string): string => path.replace(/\[(?:[^\]'"]|'[^']*'|"[^"]*")*\]/g, "");

/** What a diagnosis has taken out of the document so far, and what follows from that alone. */
export class Removed {
  /** Paths in terms of the schema, with the values that stood there: what leafrefs and conditions can have meant. */
  readonly #values = new Map<string, Set<string>>();
  /** Members taken out of an object: their absence is our doing. */
  readonly #members = new Map<JsonObject, Set<string>>();

  take(place: Place): void {
    const holder = place.holders.at(-1);
    if (place.node === undefined) {
      if (!standIn(place)) this.#takeHolder(place);
      return;
    }
    if (holder?.kind === "object") this.#note(holder, place.name);
    this.#keep(schemaPath(place.path), place.node);
    prune(place);
    if (holder?.kind === "array" && holder.items.length === 0) this.#noteEmptied(place);
  }

  /** A mandatory member is missing: its holder goes, so that what is behind it can be looked at. */
  #takeHolder(place: Place): void {
    const node = place.holders.at(-1);
    const holders = place.holders.slice(0, -1);
    const outer = holders.at(-1);
    if (node === undefined || outer === undefined) return;
    const path = place.path.slice(0, place.path.lastIndexOf(`/${place.name}`));
    const name = outer.kind === "object" ? [...outer.members].find(([, child]) => child === node)?.[0] : "";
    if (name !== undefined) this.take({ path, name, node, holders });
  }

  #noteEmptied(place: Place): void {
    const array = place.holders.at(-1)!;
    const object = place.holders.at(-2);
    if (object?.kind !== "object") return;
    for (const [name, child] of object.members) {
      if (child !== array) continue;
      this.#note(object, name);
      object.members.delete(name);
    }
  }

  #note(object: JsonObject, name: string): void {
    const names = this.#members.get(object) ?? new Set();
    this.#members.set(object, names.add(name));
  }

  #keep(path: string, node: JsonNode): void {
    if (node.kind === "array") for (const item of node.items) this.#keep(path, item);
    else if (node.kind === "object") for (const [name, child] of node.members) this.#keep(`${path}/${name}`, child);
    else if (node.kind === "string") {
      const values = this.#values.get(path) ?? new Set();
      this.#values.set(path, values.add(String(node.value)));
    }
  }

  /** True when the fault can be a mere consequence of what was taken out; it shows again once that is put right. */
  explains(place: Place, fault: YangFault): boolean {
    const holder = place.holders.at(-1);
    if (place.node === undefined) return holder?.kind === "object" && this.#took(holder, place.name);
    const here = schemaPath(place.path);
    if (place.node.kind === "string") return this.#tookValue(String(place.node.value), here);
    if (place.node.kind !== "object") return false;
    if (this.#members.has(place.node)) return true;
    // Without a tag it is no condition of the model, so it looks at nothing else.
    if (fault.appTag === undefined) return false;
    if (this.#tookWithin(place.node)) return true;
    return [...place.node.members.values()].some(
      (child) => child.kind === "string" && this.#tookValue(String(child.value), here),
    );
  }

  #took(holder: JsonObject, name: string): boolean {
    for (const taken of this.#members.get(holder) ?? []) if (local(taken) === local(name)) return true;
    return false;
  }

  /** From a container of this one, which conditions look into. */
  #tookWithin(node: JsonObject): boolean {
    return [...node.members.values()].some(
      (child) => child.kind === "object" && (this.#members.has(child) || this.#tookWithin(child)),
    );
  }

  #tookValue(value: string, except: string): boolean {
    for (const [path, values] of this.#values) {
      const elsewhere = path !== except && !path.startsWith(`${except}/`);
      if (elsewhere && values.has(value)) return true;
    }
    return false;
  }
}

/** Puts a stand-in where a mandatory node is missing; false when there is none for it. */
function standIn(place: Place): boolean {
  const text = STAND_INS[place.path];
  const holder = place.holders.at(-1);
  if (text === undefined || holder?.kind !== "object") return false;
  const leaf = place.path.slice(place.path.lastIndexOf("/") + 1);
  const node = parseJsonDocument(text);
  if (leaf === place.name) holder.members.set(leaf, node);
  else holder.members.set(place.name, { kind: "object", line: holder.line, members: new Map([[leaf, node]]) });
  return true;
}

const local = (name: string): string => name.slice(name.indexOf(":") + 1);
