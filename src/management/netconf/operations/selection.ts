import { type Answer, answered, fault, type GetOptions, refused } from "../../datastore/index.ts";
import { type Call, textOf } from "./operation.ts";

type Selection = Pick<GetOptions, "select">;

/** The `<filter>` of get and get-config. @see RFC 6241 §6 (subtree), §8.9.5 (XPath) */
export function filterOf({ request }: Call): Answer<Selection> {
  const { filter } = request.documents;
  if (filter === undefined) return answered({});
  const { xml, attributes } = filter;
  const type = attribute(attributes, "type") ?? "subtree";
  if (type === "subtree") return answered({ select: { subtree: xml } });
  if (type !== "xpath") {
    const message = `a filter is of type subtree or xpath, not ${JSON.stringify(type)}`;
    return refused(wrongAttribute("bad-attribute", message, "type"));
  }
  const xpath = attribute(attributes, "select");
  if (xpath === undefined) {
    return refused(wrongAttribute("missing-attribute", "a filter of type xpath needs the attribute select", "select"));
  }
  return answered({ select: { xpath, namespaces: namespacesIn(attributes) } });
}

/** The filters of get-data. @see RFC 8526 §3.1.1 */
export function nmdaFilterOf(call: Call): Answer<Selection> {
  const subtree = call.request.documents["subtree-filter"]?.xml;
  if (subtree !== undefined) return answered({ select: { subtree } });
  const xpath = textOf(call, "xpath-filter");
  return answered(xpath === undefined ? {} : { select: { xpath, namespaces: namespacesIn(call.request.attributes) } });
}

/** An attribute of no namespace, or of that of the base protocol, which some clients write. */
function attribute(attributes: Readonly<Record<string, string>>, name: string): string | undefined {
  const found = Object.keys(attributes).find((key) => key === name || key.endsWith(`:${name}`));
  return found === undefined ? undefined : attributes[found];
}

/** Prefixes that were declared there; no prefix stands for itself. */
function namespacesIn(attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const declared = Object.entries(attributes).filter(([name]) => name.startsWith("xmlns:"));
  return Object.fromEntries(declared.map(([name, uri]) => [name.slice("xmlns:".length), uri]));
}

const wrongAttribute = (errorTag: "bad-attribute" | "missing-attribute", message: string, badAttribute: string) =>
  fault(errorTag, message, { errorType: "protocol", info: { badAttribute, badElement: "filter" } });
