import type { Step } from "./rfc8341.ts";

/** A node in the words of both protocols. */

const NAMESPACES: Readonly<Record<string, string>> = {
  "ietf-netconf-acm": "urn:ietf:params:xml:ns:yang:ietf-netconf-acm",
};
const namespaceOf = (module: string): string => NAMESPACES[module] ?? `urn:semrd:yang:${module}`;
const split = ({ name }: Step): [module: string, name: string] => name.split(":") as [string, string];

/** `<router xmlns="…">…</router>` around what is in the node at the end, whose start tag has `attributes`. */
export function xmlAt(path: readonly Step[], inside: string, attributes = ""): string {
  return path.reduceRight((content, step, i) => {
    const [module, name] = split(step);
    const keys = Object.entries(step.keys ?? {}).map(([key, value]) => `<${key}>${value}</${key}>`);
    const own = i === path.length - 1 ? attributes : "";
    return `<${name} xmlns="${namespaceOf(module)}"${own}>${keys.join("")}${content}</${name}>`;
  }, inside);
}

/** A JSON value as elements of its parent's namespace, without the keys that `path` has. */
export function xmlOf(value: unknown, keys: Readonly<Record<string, string>> = {}): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .filter(([name]) => !(name in keys))
    .flatMap(([name, member]) =>
      (Array.isArray(member) ? member : [member]).map((one) => `<${name}>${xmlOf(one)}</${name}>`),
    )
    .join("");
}

export function gnmiAt(path: readonly Step[]): object {
  return { origin: "", elem: path.map((step) => ({ name: split(step)[1], key: step.keys ?? {} })) };
}
