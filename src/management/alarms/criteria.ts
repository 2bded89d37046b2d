import { localName, type Path, parsePath } from "../datastore/index.ts";
import { resourceOf } from "./resource.ts";
import { type AlarmProfile, ANY_ALARM, type Severity, type Shelf, type TypeCriterion } from "./types.ts";

/** A criterion, or what is wrong with it. */
type Criterion<T> =
  | { readonly ok: true; readonly fits: (value: T) => boolean }
  | { readonly ok: false; readonly reason: string };

interface Step {
  readonly name: string;
  readonly module: string;
  readonly keys: Readonly<Record<string, string>>;
}

/**
 * A `resource-match` of ietf-alarms: a path fits the resources that it selects, `//` any number of nodes, a key that is missing any;
 * other text is a regular expression for resources that are no paths. XPath beyond that is refused.
 *
 * @see RFC 8632 §5, typedef resource-match
 */
export function resourceCriterion(text: string): Criterion<string> {
  if (!text.startsWith("/")) {
    const pattern = regularExpression(text);
    return pattern.ok ? { ok: true, fits: (value) => !value.startsWith("/") && pattern.fits(value) } : pattern;
  }
  const path = parsePath(text.replaceAll("//", "/.../"));
  if (!path.ok) {
    const reason = `${text} is beyond what is read here: a path of names, *, // and keys in brackets, or a regular expression`;
    return { ok: false, reason };
  }
  const wanted = stepsOf(path.value);
  return {
    ok: true,
    fits: (value) => {
      const resource = value.startsWith("/") ? parsePath(value) : undefined;
      return resource?.ok === true && selects(wanted, stepsOf(resource.value));
    },
  };
}

/** One of XML Schema, which is of the whole text. */
export function regularExpression(text: string): Criterion<string> {
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

/** `...` stands for any number of nodes. */
function selects(wanted: readonly Step[], resource: readonly Step[]): boolean {
  const [first, ...rest] = wanted;
  if (first === undefined) return resource.length === 0;
  if (first.name === "...") return resource.some((_, i) => selects(rest, resource.slice(i)));
  const [own, ...others] = resource;
  return own !== undefined && isOf(first, own) && selects(rest, others);
}

function isOf(wanted: Step, own: Step): boolean {
  if (wanted.name !== "*" && (wanted.name !== own.name || (wanted.module !== "" && wanted.module !== own.module)))
    return false;
  return Object.entries(wanted.keys).every(([key, value]) => value === "*" || own.keys[key] === value);
}

/** No alarm of ours has a qualifier. */
const typeFits = ({ id, qualifier }: TypeCriterion, type: string): boolean => {
  const pattern = regularExpression(qualifier);
  return (id === type || id === ANY_ALARM) && pattern.ok && pattern.fits("");
};

type Fits = (resource: string, type: string) => boolean;

/** What a shelf takes: each kind of criterion that it has. @see RFC 8632 §4.1.1 */
export function shelfCriteria({ resources, types }: Shelf): Fits {
  const places = resources.map(resourceCriterion);
  return (resource, type) =>
    (places.length === 0 || places.some((place) => place.ok && place.fits(resourceOf(resource)))) &&
    (types.length === 0 || types.some((one) => typeFits(one, type)));
}

/** What a profile is for, and the levels that it has instead of those of the type, from the least severe. */
export function profileCriteria(profile: AlarmProfile): { readonly fits: Fits; readonly levels: readonly Severity[] } {
  const place = resourceCriterion(profile.resource);
  return {
    fits: (resource, type) => typeFits(profile.type, type) && place.ok && place.fits(resourceOf(resource)),
    levels: profile.levels,
  };
}
