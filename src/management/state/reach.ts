import { formatIpv6, parseIpv6 } from "../../base/index.ts";
import { type Path, type PathStep, parsePath } from "../datastore/index.ts";
import { type FilterElement, subtreeFilter } from "./subtree-filter.ts";

/** Name of the module of an XML namespace, or of a module's name itself. */
export type ModuleNamed = (namespace: string) => string | undefined;

/**
 * What a subtree filter may select, as paths of its selection nodes; its content match nodes of lists are their keys.
 * Never less than it selects.
 * @see RFC 6241 §6
 */
export function reachOfSubtree(xml: string, moduleNamed: ModuleNamed): readonly Path[] {
  const filter = subtreeFilter(xml);
  if (filter === undefined) return [[]];
  return filter.children.flatMap((element) => pathsOf(element, [], moduleNamed));
}

function pathsOf(element: FilterElement, above: Path, moduleNamed: ModuleNamed): Path[] {
  const name = nameOf(element, moduleNamed);
  if (name === undefined) return [];
  const { children } = element;
  const matches = children.filter((child) => child.children.length === 0 && child.text.trim() !== "");
  const others = children.filter((child) => !matches.includes(child));
  const keys: Record<string, string> = {};
  for (const match of matches) {
    const value = canonical(match.text.trim());
    if (nameOf(match, moduleNamed) !== undefined && value !== undefined) keys[match.name] = value;
  }
  const step: PathStep = { name, ...(Object.keys(keys).length === 0 ? {} : { keys }) };
  const path = [...above, step];
  return others.length === 0 ? [path] : others.flatMap((child) => pathsOf(child, path, moduleNamed));
}

/** `module:name`, or the name alone without a namespace; undefined: of no module that is known. */
function nameOf({ name, namespace }: FilterElement, moduleNamed: ModuleNamed): string | undefined {
  if (namespace === "") return name;
  const module = moduleNamed(namespace);
  return module === undefined ? undefined : module === "" ? name : `${module}:${name}`;
}

/** Addresses have several spellings; so have prefixes and numbers, and are not narrowed by unless they are plain. */
function canonical(text: string): string | undefined {
  if (/^[+-]?0\d|^\+/.test(text)) return undefined;
  if (!/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(\/\d+)?$/.test(text)) return text;
  const address = text.includes("/") ? undefined : parseIpv6(text);
  return address === undefined ? undefined : formatIpv6(address);
}

/**
 * What an XPath expression may select, where it is a plain path or several with `|` between them; everything for one
 * that is not so simple.
 */
export function reachOfXPath(
  expression: string,
  namespaces: Readonly<Record<string, string>>,
  moduleNamed: ModuleNamed,
): readonly Path[] {
  const paths: Path[] = [];
  for (const part of expression.split("|")) {
    const parsed = parsePath(part.trim());
    if (!parsed.ok || parsed.value.some(({ name }) => name.includes("*") || name === "...")) return [[]];
    const steps: PathStep[] = [];
    for (const { name, keys } of parsed.value) {
      const colon = name.indexOf(":");
      const prefix = name.slice(0, Math.max(colon, 0));
      const module = prefix === "" ? undefined : (moduleNamed(namespaces[prefix] ?? prefix) ?? undefined);
      if (prefix !== "" && module === undefined) return [[]]; // the evaluator says what is wrong
      steps.push({
        name: module === undefined ? name : `${module}:${name.slice(colon + 1)}`,
        ...(keys === undefined ? {} : plainKeys(keys)),
      });
    }
    paths.push(steps);
  }
  return paths;
}

function plainKeys(keys: Readonly<Record<string, string>>): { readonly keys?: Readonly<Record<string, string>> } {
  const plain = Object.entries(keys).flatMap(([name, text]) => {
    const value = canonical(text);
    return value === undefined ? [] : [[name, value] as const];
  });
  return plain.length === 0 ? {} : { keys: Object.fromEntries(plain) };
}
