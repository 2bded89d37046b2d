const QUOTED = /('[^']*'|"[^"]*")/;

/**
 * An instance-identifier as RFC 7951 §6.11 has it: a module is said where it changes, and never of a key. libyang says it at every
 * step. What is no path stays as it is.
 */
export function resourceOf(text: string): string {
  if (!text.startsWith("/")) return text;
  let module = "";
  return text
    .split(QUOTED)
    .map((part, i) => {
      if (i % 2 === 1) return part;
      return part
        .replaceAll(/\[\s*[\w.-]+:/g, "[")
        .replaceAll(/\/([\w.-]+):([\w.-]+)/g, (_, own: string, name: string) => {
          const isNew = own !== module;
          module = own;
          return isNew ? `/${own}:${name}` : `/${name}`;
        });
    })
    .join("");
}
