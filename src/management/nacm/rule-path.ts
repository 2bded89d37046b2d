import { formatIpv6, parseIpv6 } from "../../base/index.ts";
import { type Answer, answered, fault, localName, type RuleStep, refused } from "../datastore/index.ts";
import { type AccessNode, type AccessSchema, each } from "./schema.ts";

const NAME = /\/(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)/y;
const VALUE = `(?:'([^']*)'|"([^"]*)")`;
const EQUAL = new RegExp(String.raw`\[\s*(?:[\w.-]+:)?([A-Za-z_][\w.-]*|\.)\s*=\s*${VALUE}\s*\]`, "y");
const STARTS = new RegExp(
  String.raw`\[\s*starts-with\s*\(\s*(?:[\w.-]+:)?([A-Za-z_][\w.-]*)\s*,\s*${VALUE}\s*\)\s*\]`,
  "y",
);

/**
 * Reads the path of a rule: an instance identifier whose keys may be missing, each for itself. Besides, and beyond the
 * standard, a key may be given by how it begins: `agent[starts-with(id,'spiffe://example.net/acme/')]`.
 *
 * @see RFC 8341 §3.5.2 (node-instance-identifier), RFC 7950 §9.13
 */
export function readRulePath(text: string, schema: AccessSchema): Answer<readonly RuleStep[]> {
  if (text === "/") return answered([]);
  const steps: RuleStep[] = [];
  let here: AccessSchema["children"] = schema.children;
  let node: AccessNode | undefined;
  let at = 0;
  while (at < text.length) {
    const found = matched(NAME, text, at);
    if (found === undefined) return bad(text, `'/' and the name of a node are expected at character ${at + 1}`);
    at = NAME.lastIndex;
    const [, module = node?.module, name] = found;
    node = here.get(`${module}:${name}`);
    if (node === undefined)
      return bad(
        text,
        `the model has no ${module === undefined ? name : `${module}:${name}`} there${meant(here, name!)}`,
      );
    const predicates = readPredicates(text, at, node);
    if (!predicates.ok) return predicates;
    at = predicates.value.end;
    steps.push({ ...node.step, ...predicates.value.step });
    here = node.children;
  }
  return answered(steps);
}

function readPredicates(
  text: string,
  from: number,
  node: AccessNode,
): Answer<{ readonly end: number; readonly step: Omit<RuleStep, "name"> }> {
  const keys: Record<string, string> = {};
  const starts: Record<string, string> = {};
  let value: string | undefined;
  let at = from;
  while (text[at] === "[") {
    const equal = matched(EQUAL, text, at);
    const start = equal === undefined ? matched(STARTS, text, at) : undefined;
    const found = equal ?? start;
    if (found === undefined)
      return bad(text, `[key='value'], or [starts-with(key,'value')], is expected at character ${at + 1}`);
    const [, key, single, double] = found;
    const wanted = single ?? double!;
    if (key === "." && node.kind === "leaf-list") value = wanted;
    else if (!node.keys.includes(key!)) return bad(text, `${key} is no key of ${localName(node.step)}`);
    else if (equal === undefined) starts[key!] = wanted;
    else keys[key!] = canonical(wanted);
    at = equal === undefined ? STARTS.lastIndex : EQUAL.lastIndex;
  }
  const step = {
    ...(Object.keys(keys).length === 0 ? {} : { keys }),
    ...(Object.keys(starts).length === 0 ? {} : { starts }),
    ...(value === undefined ? {} : { value }),
  };
  return answered({ end: at, step });
}

function matched(expression: RegExp, text: string, at: number): RegExpExecArray | undefined {
  expression.lastIndex = at;
  return expression.exec(text) ?? undefined;
}

/** Addresses have several spellings; the data has the canonical one. */
function canonical(text: string): string {
  const address = text.includes(":") ? parseIpv6(text) : undefined;
  return address === undefined ? text : formatIpv6(address);
}

/** The module is left out as easily as it is wrong. */
function meant(here: AccessSchema["children"], name: string): string {
  const found = each(here).find(({ step }) => localName(step) === name);
  return found === undefined ? "" : `: is ${found.step.name} meant?`;
}

function bad(text: string, why: string): Answer<never> {
  return refused(
    fault("invalid-value", `${JSON.stringify(text)} is no path of a rule: ${why}`, { appTag: "bad-rule-path" }),
  );
}
