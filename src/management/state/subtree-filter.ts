import { SaxesParser } from "saxes";

/** An element of a subtree filter. */
export interface FilterElement {
  /** Without a prefix. */
  readonly name: string;
  /** "" for none. */
  readonly namespace: string;
  readonly children: readonly FilterElement[];
  /** What is directly in it, white space included. */
  readonly text: string;
}

interface OpenElement extends FilterElement {
  readonly children: OpenElement[];
  text: string;
}

/** Elements of a filter; a larger one is not looked at. */
const MOST_ELEMENTS = 1_000;

/** The outermost element of a filter; undefined for text that is no XML, has a document type, or is too large. @see RFC 6241 §6 */
export function subtreeFilter(xml: string): FilterElement | undefined {
  const top: OpenElement = { name: "", namespace: "", children: [], text: "" };
  const open = [top];
  let elements = 0;
  let isBroken = false;
  const parser = new SaxesParser({ xmlns: true });
  parser.on("error", () => {
    isBroken = true;
  });
  parser.on("doctype", () => {
    isBroken = true;
  });
  parser.on("opentag", ({ local, uri }) => {
    if (++elements > MOST_ELEMENTS) isBroken = true;
    if (isBroken) return;
    const element: OpenElement = { name: local, namespace: uri, children: [], text: "" };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on("text", (text) => {
    open.at(-1)!.text += text;
  });
  parser.on("closetag", () => void (open.length > 1 && open.pop()));
  try {
    parser.write(xml).close();
  } catch {
    return undefined;
  }
  return isBroken ? undefined : top.children[0];
}
