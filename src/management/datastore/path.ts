import { type Answer, answered, fault, refused } from "./error.ts";

/** One node of a data path. */
export interface PathStep {
  /** `module:name`; the module may be left out where it is that of the step before. */
  readonly name: string;
  /** Of a list entry, by name. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Of a leaf-list entry. */
  readonly value?: string;
}

/** From the top; empty for all data. */
export type Path = readonly PathStep[];

const NAME = /(?:[A-Za-z_][\w.-]*:)?(?:[A-Za-z_][\w.-]*|\*)|\.\.\./y;
/** Shells take quotes away, so a value is read without them too; one with blanks, brackets or quotes in it needs them. */
const PREDICATE = /\[\s*([A-Za-z_][\w.:-]*|\.)\s*=\s*(?:'([^']*)'|"([^"]*)"|(\*|[^\s'"[\]*][^\s'"[\]]*))\s*\]/y;

/**
 * Reads a data path, as `/semrd-router:router/semrd-agent:agents/agent[id='x']/tenant`; `/` is all data. Keys may be
 * missing, or `*`, where a path stands for several entries.
 */
export function parsePath(text: string): Answer<Path> {
  if (text === "/" || text === "") return answered([]);
  const steps: PathStep[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] !== "/") return refused(badPath(text, at, "a '/' is expected"));
    NAME.lastIndex = at + 1;
    const name = NAME.exec(text)?.[0];
    if (name === undefined) return refused(badPath(text, at + 1, "a node name is expected"));
    at = NAME.lastIndex;
    const keys: Record<string, string> = {};
    let value: string | undefined;
    while (text[at] === "[") {
      PREDICATE.lastIndex = at;
      const found = PREDICATE.exec(text);
      if (found === null) return refused(badPath(text, at, "[key='value'] is expected"));
      const [, key, single, double, bare] = found;
      const wanted = single ?? double ?? bare!;
      if (key === ".") value = wanted;
      else keys[key!.slice(key!.indexOf(":") + 1)] = wanted;
      at = PREDICATE.lastIndex;
    }
    const hasKeys = Object.keys(keys).length > 0;
    steps.push({ name, ...(hasKeys ? { keys } : {}), ...(value === undefined ? {} : { value }) });
  }
  return answered(steps);
}

function badPath(text: string, at: number, wanted: string) {
  return fault("invalid-value", `${JSON.stringify(text)} is no data path: ${wanted} at character ${at + 1}`, {
    errorType: "protocol",
    appTag: "bad-path",
  });
}

/** A module is named only where it is not that of the node before. @see RFC 7951 §6.11 */
export function formatPath(path: Path): string {
  if (path.length === 0) return "/";
  let text = "";
  let module = "";
  for (const step of path) {
    const [here, bare] = step.name.includes(":") ? (step.name.split(":") as [string, string]) : [module, step.name];
    text += `/${here === module ? bare : step.name}${predicates(step)}`;
    module = here;
  }
  return text;
}

function predicates({ keys = {}, value }: PathStep): string {
  let text = "";
  for (const [key, wanted] of Object.entries(keys)) text += `[${key}=${quoted(wanted)}]`;
  return value === undefined ? text : `${text}[.=${quoted(value)}]`;
}

function quoted(text: string): string {
  return text.includes("'") ? `"${text}"` : `'${text}'`;
}

/** Name without its module. */
export const localName = ({ name }: PathStep): string => name.slice(name.indexOf(":") + 1);

/** Whether `path` is `above`, or below it. */
export function isWithin(path: Path, above: Path): boolean {
  return above.length <= path.length && above.every((step, i) => covers(step, path[i]!));
}

/** A key that `pattern` leaves out, or has as `*`, may be anything. */
function covers(pattern: PathStep, step: PathStep): boolean {
  if (localName(pattern) !== "*" && localName(pattern) !== localName(step)) return false;
  if (pattern.value !== undefined && pattern.value !== "*" && pattern.value !== step.value) return false;
  for (const [key, wanted] of Object.entries(pattern.keys ?? {}))
    if (wanted !== "*" && step.keys?.[key] !== wanted) return false;
  return true;
}
