import type { Notification } from "../events/index.ts";
import { type FilterElement, subtreeFilter } from "../state/index.ts";

/** Module of an XML namespace. */
type ModuleOf = (namespace: string) => string | undefined;

/**
 * Which events a subtree filter lets through. It chooses among events and leaves those that it lets through whole: an
 * element at its top names a notification, those below must be there, and have the text that they have in the filter.
 *
 * @returns undefined for a filter that is no XML
 * @see RFC 5277 §2.1.1, RFC 6241 §6
 */
export function eventFilter(xml: string, moduleOf: ModuleOf): ((event: Notification) => boolean) | undefined {
  const filter = subtreeFilter(xml);
  if (filter === undefined) return undefined;
  return ({ name, content }) =>
    filter.children.some((wanted) => {
      const colon = name.indexOf(":");
      if (wanted.name !== name.slice(colon + 1)) return false;
      if (wanted.namespace !== "" && moduleOf(wanted.namespace) !== name.slice(0, colon)) return false;
      return matches(content, wanted);
    });
}

/** Content match nodes are all needed; of the others, the selections, one is enough. */
function matches(value: unknown, { children, text }: FilterElement): boolean {
  if (children.length === 0) return text.trim() === "" || textOf(value) === text.trim();
  if (Array.isArray(value)) return value.some((entry) => matches(entry, { name: "", namespace: "", children, text }));
  if (typeof value !== "object" || value === null) return false;
  const node = (element: FilterElement): unknown =>
    Object.entries(value).find(([name]) => name.slice(name.indexOf(":") + 1) === element.name)?.[1];
  const contentMatches = children.filter((child) => child.children.length === 0 && child.text.trim() !== "");
  const selections = children.filter((child) => !contentMatches.includes(child));
  const fits = (child: FilterElement): boolean => {
    const found = node(child);
    if (found === undefined) return false;
    return Array.isArray(found) ? found.some((one) => matches(one, child)) : matches(found, child);
  };
  return contentMatches.every(fits) && (selections.length === 0 || selections.some(fits));
}

/** An empty leaf is `[null]` in JSON. An identity may be written with or without its module. */
function textOf(value: unknown): string {
  return typeof value === "object" ? "" : String(value);
}
