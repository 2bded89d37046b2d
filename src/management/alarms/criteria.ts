import { fault, formatPath, localName, type ManagementFault, type Path, parsePath } from "../datastore/index.ts";
import { resourceOf } from "./resource.ts";
import {
  type AlarmControl,
  type AlarmProfile,
  ANY_ALARM,
  type Severity,
  type Shelf,
  type TypeCriterion,
} from "./types.ts";

/** A criterion, or what is wrong with it. */
type Criterion =
  | { readonly ok: true; readonly fits: (value: string) => boolean }
  | { readonly ok: false; readonly reason: string };

/** `fits` answers `undefined` where only whoever evaluates the expression can tell, as it always is without `fits`. */
type ResourceCriterion =
  | { readonly ok: true; readonly fits: (value: string) => boolean }
  | { readonly ok: true; readonly fits?: (value: string) => boolean | undefined; readonly expression: string }
  | { readonly ok: false; readonly reason: string };

/** Whether an XPath expression selects a resource; `undefined`: that is not known yet. */
export type Verdict = (expression: string, resource: string) => boolean | undefined;

interface Step {
  readonly name: string;
  readonly module: string;
  readonly keys: Readonly<Record<string, string>>;
}

const EXPRESSION = /^[(\s]*\//;
const OBJECT_IDENTIFIER = /^[0-2](\.\d+)+$/;

/**
 * A `resource-match` of ietf-alarms. XPath begins with `/`, maybe in parentheses: it fits the resources that it selects. Of a
 * path of names, `*`, `//` and keys that is seen by the paths alone. An object identifier fits those that begin with it; any
 * other text is a regular expression for resources that are no paths.
 *
 * @see RFC 8632 §5, typedef resource-match
 */
export function resourceCriterion(text: string): ResourceCriterion {
  if (OBJECT_IDENTIFIER.test(text))
    return { ok: true, fits: (value) => OBJECT_IDENTIFIER.test(value) && `${value}.`.startsWith(`${text}.`) };
  if (!EXPRESSION.test(text)) {
    const pattern = regularExpression(text);
    return pattern.ok ? { ok: true, fits: (value) => !value.startsWith("/") && pattern.fits(value) } : pattern;
  }
  const path = parsePath(text.replaceAll("//", "/.../"));
  if (!path.ok) return { ok: true, expression: text };
  const wanted = stepsOf(path.value);
  const fits = (value: string): boolean | undefined => {
    const resource = value.startsWith("/") ? parsePath(value) : undefined;
    return resource?.ok === true && selects(wanted, stepsOf(resource.value));
  };
  if (wanted.every(({ keys }) => Object.keys(keys).length === 0))
    return { ok: true, fits: (value) => fits(value) === true };
  const isPlain = path.value.every(({ name }) => !name.includes("*") && name !== "...");
  return { ok: true, fits, expression: isPlain ? formatPath(path.value) : text }; // with quotes that XPath needs
}

/** One of XML Schema, which is of the whole text. */
function regularExpression(text: string): Criterion {
  try {
    const pattern = new RegExp(`^(?:${text})$`, "u");
    return { ok: true, fits: (value) => pattern.test(value) };
  } catch {
    return { ok: false, reason: `${JSON.stringify(text)} is no regular expression` };
  }
}

function stepsOf(path: Path): readonly Step[] {
  let module = "";
  return path.map((step) => {
    const colon = step.name.indexOf(":");
    if (colon >= 0) module = step.name.slice(0, colon);
    return { name: localName(step), module, keys: step.keys ?? {} };
  });
}

/** `...` stands for any number of nodes. `undefined`: it hangs on a leaf that is no key. */
function selects(wanted: readonly Step[], resource: readonly Step[]): boolean | undefined {
  const [first, ...rest] = wanted;
  if (first === undefined) return resource.length === 0;
  if (first.name === "...") return anyOf(resource.map((_, i) => selects(rest, resource.slice(i))));
  const [own, ...others] = resource;
  if (own === undefined) return false;
  const [is, are] = [isOf(first, own), selects(rest, others)];
  return is === false || are === false ? false : is && are;
}

function isOf(wanted: Step, own: Step): boolean | undefined {
  if (wanted.name !== "*" && (wanted.name !== own.name || (wanted.module !== "" && wanted.module !== own.module)))
    return false;
  const keys = Object.entries(wanted.keys);
  if (keys.some(([key, value]) => value !== "*" && own.keys[key] !== undefined && own.keys[key] !== value))
    return false;
  return keys.every(([key]) => own.keys[key] !== undefined) ? true : undefined;
}

const anyOf = (verdicts: readonly (boolean | undefined)[]): boolean | undefined =>
  verdicts.includes(true) || (verdicts.includes(undefined) ? undefined : false);

/** No alarm of ours has a qualifier. */
const typeFits = ({ id, qualifier }: TypeCriterion, type: string): boolean => {
  const pattern = regularExpression(qualifier);
  return (id === type || id === ANY_ALARM) && pattern.ok && pattern.fits("");
};

/** `undefined`: it hangs on an expression, and that is not known yet. */
type Fits = (resource: string, type: string) => boolean | undefined;

function placeFits(criterion: ResourceCriterion, resource: string, verdict: Verdict): boolean | undefined {
  if (!criterion.ok) return false;
  if (!("expression" in criterion)) return criterion.fits(resource);
  if (!resource.startsWith("/")) return false;
  return criterion.fits?.(resource) ?? verdict(criterion.expression, resource);
}

/** What a shelf takes: each kind of criterion that it has. @see RFC 8632 §4.1.1 */
export function shelfCriteria({ resources, types }: Shelf, verdict: Verdict): Fits {
  const places = resources.map(resourceCriterion);
  return (resource, type) => {
    if (types.length > 0 && !types.some((one) => typeFits(one, type))) return false;
    if (places.length === 0) return true;
    return anyOf(places.map((place) => placeFits(place, resourceOf(resource), verdict)));
  };
}

/** What a profile is for, and the levels that it has instead of those of the type, from the least severe. */
export function profileCriteria(
  profile: AlarmProfile,
  verdict: Verdict,
): { readonly fits: Fits; readonly levels: readonly Severity[] } {
  const place = resourceCriterion(profile.resource);
  return {
    fits: (resource, type) => typeFits(profile.type, type) && placeFits(place, resourceOf(resource), verdict),
    levels: profile.levels,
  };
}

/** One of what is configured, as it was written, and where. */
interface Placed {
  readonly kind: "resource" | "qualifier";
  readonly text: string;
  readonly path: string;
}

function* placed({ shelves, profiles }: AlarmControl): Generator<Placed, void, void> {
  const keysOf = ({ id, qualifier }: TypeCriterion): string =>
    `[alarm-type-id=${quoted(id)}][alarm-type-qualifier-match=${quoted(qualifier)}]`;
  for (const { name, resources, types } of shelves) {
    const shelf = `/ietf-alarms:alarms/control/alarm-shelving/shelf[name=${quoted(name)}]`;
    for (const text of resources) yield { kind: "resource", text, path: `${shelf}/resource[.=${quoted(text)}]` };
    for (const type of types)
      yield { kind: "qualifier", text: type.qualifier, path: `${shelf}/alarm-type${keysOf(type)}` };
  }
  for (const { type, resource } of profiles) {
    const path = `/ietf-alarms:alarms/alarm-profile${keysOf(type)}[resource=${quoted(resource)}]`;
    yield { kind: "qualifier", text: type.qualifier, path };
    yield { kind: "resource", text: resource, path };
  }
}

const quoted = (text: string): string => (text.includes("'") ? `"${text}"` : `'${text}'`);

/** The XPath expressions among the criteria, each with where it is configured. */
export const expressionsOf = (control: AlarmControl): readonly { expression: string; path: string }[] =>
  Array.from(placed(control)).flatMap(({ kind, text, path }) => {
    const criterion = kind === "resource" ? resourceCriterion(text) : regularExpression(text);
    return criterion.ok && "expression" in criterion ? [{ expression: criterion.expression, path }] : [];
  });

/** What is wrong with the criteria as they are written; the model takes them as they are. */
export const criterionFaults = (control: AlarmControl): readonly ManagementFault[] =>
  Array.from(placed(control)).flatMap(({ kind, text, path }) => {
    const criterion = kind === "resource" ? resourceCriterion(text) : regularExpression(text);
    return criterion.ok ? [] : [fault("invalid-value", criterion.reason, { path })];
  });
