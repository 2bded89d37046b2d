import { SaxesParser } from "saxes";

/** @see RFC 6241 §3.1 */
export const BASE_NAMESPACE = "urn:ietf:params:xml:ns:netconf:base:1.0";

const NOT_LITERAL = /[<>&"'\uFFFE\uFFFF]|(?![\t\n\r\u007F-\u009F])\p{Cc}/gu;

/** Text as it stands in an element or an attribute. Characters that XML 1.0 cannot carry become U+FFFD. */
export function escapeXml(text: string): string {
  return text.replaceAll(NOT_LITERAL, (character) => {
    switch (character) {
      case "<":
        return "&lt;";
      case ">":
        return "&gt;";
      case "&":
        return "&amp;";
      case '"':
        return "&quot;";
      case "'":
        return "&apos;";
      default:
        return "\uFFFD";
    }
  });
}

/** The start of `element`, with `attributes` as they are to be. */
export function startTag(element: string, attributes: Readonly<Record<string, string>>): string {
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${escapeXml(value)}"`);
  return `<${element}${written.join("")}>`;
}

export type Hello =
  | { readonly ok: true; readonly capabilities: readonly string[] }
  | { readonly ok: false; readonly reason: string };

/** More are not read: nobody has so many modules. */
const MAX_CAPABILITIES = 4_096;

/** Reads the `<hello>` of a client. @see RFC 6241 §8.1 */
export function parseHello(text: string): Hello {
  const capabilities: string[] = [];
  const trail: string[] = [];
  let reason: string | undefined;
  const refuse = (why: string): void => {
    reason ??= why;
  };
  const parser = new SaxesParser({ xmlns: true });
  let written = "";
  parser.on("doctype", () => refuse("a document type declaration is not allowed"));
  parser.on("error", (error) => refuse(error.message));
  parser.on("opentag", ({ local, uri }) => {
    if (uri !== BASE_NAMESPACE) refuse(`element ${local} of namespace ${uri === "" ? "none" : uri} in hello`);
    trail.push(local);
    if (trail[0] !== "hello") refuse(`the first message is ${local}, not hello`);
    if (trail.join(" ") === "hello session-id") refuse("a client's hello has no session-id");
    written = "";
  });
  parser.on("text", (part) => {
    written += part;
  });
  parser.on("closetag", () => {
    if (trail.join(" ") === "hello capabilities capability") capabilities.push(written.trim());
    if (capabilities.length > MAX_CAPABILITIES) refuse(`more than ${MAX_CAPABILITIES} capabilities`);
    trail.pop();
  });
  try {
    parser.write(text).close();
  } catch (cause) {
    refuse(cause instanceof Error ? cause.message : String(cause));
  }
  return reason === undefined ? { ok: true, capabilities } : { ok: false, reason };
}

/** The first element of a document that may be broken further on. */
export interface FirstElement {
  readonly name: string;
  readonly namespace: string;
  /** As written, namespace declarations too. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Of so many characters at the front. */
const FIRST_ELEMENT_WITHIN = 16_384;

class Found {
  readonly element: FirstElement;

  constructor(element: FirstElement) {
    this.element = element;
  }
}

/** Reads as far as the first start tag, so that the answer to a broken message can still name it. */
export function firstElement(text: string): FirstElement | undefined {
  const parser = new SaxesParser({ xmlns: true });
  let broken = false;
  parser.on("error", () => {
    broken = true;
  });
  parser.on("opentag", ({ local, uri, attributes }) => {
    const written = Object.entries(attributes).map(([name, { value }]) => [name, value] as const);
    if (!broken) throw new Found({ name: local, namespace: uri, attributes: Object.fromEntries(written) });
  });
  try {
    parser.write(text.slice(0, FIRST_ELEMENT_WITHIN));
  } catch (found) {
    if (found instanceof Found) return found.element;
    throw found;
  }
  return undefined;
}
