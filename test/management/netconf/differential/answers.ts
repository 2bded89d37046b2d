import { SaxesParser } from "saxes";

const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0";

/**
 * What an answer comes to: `ok`, the data without what servers may choose (prefixes, blanks, the order of what is not ordered by
 * the user), or tags of errors.
 */
export function essence(xml: string): string {
  const errors: string[] = [];
  const lines: string[] = [];
  const trail: { readonly name: string; readonly children: string[]; text: string }[] = [];
  const parser = new SaxesParser({ xmlns: true });
  let isOk = false;
  parser.on("opentag", ({ local, uri }) => {
    if (local === "ok" && uri === BASE) isOk = true;
    trail.push({ name: local, children: [], text: "" });
  });
  parser.on("text", (text) => {
    if (trail.length > 0) trail.at(-1)!.text += text;
  });
  parser.on("closetag", () => {
    const { name, children, text } = trail.pop()!;
    if (name === "error-tag") errors.push(text.trim());
    const printed = children.length === 0 ? `${name}=${text.trim()}` : `${name}{${ordered(children).join(" ")}}`;
    if (trail.at(-1)?.name === "data") lines.push(printed);
    else trail.at(-1)?.children.push(printed);
  });
  parser.write(xml).close();
  if (errors.length > 0) return [...new Set(errors)].toSorted().join(" ");
  return isOk ? "ok" : `data ${lines.join(" ")}`;
}

/** Entries of `tag` are in the order of the user. */
function ordered(children: readonly string[]): readonly string[] {
  const tags = children.filter((child) => child.startsWith("tag="));
  return [...children.filter((child) => !child.startsWith("tag=")).toSorted(), ...tags];
}
