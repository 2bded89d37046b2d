import { bad, type Target } from "../../control/request.ts";
import type { GnmiPath } from "../messages.ts";
import { joined } from "../paths.ts";

/** Origin of the resources of the control socket, as they are. */
const CONTROL = "semrd-control";

/** Characters of a path with its keys. */
const LONGEST = 4_096;
/** Key of an element that says which one of them; other keys are parameters. */
const ENTRY = "id";

export const isControl = (prefix: GnmiPath | null, path: GnmiPath | null): boolean =>
  prefix?.origin === CONTROL || path?.origin === CONTROL;

/**
 * What a path asks for: `/agents[id=X]/drain` is the resource `agents/X/drain`, keys of the last element are parameters.
 * @throws {GnmiError} INVALID_ARGUMENT for what is no path
 * @throws {ControlRefusal} 400
 */
export function controlTarget(prefix: GnmiPath | null, path: GnmiPath | null): Target {
  const { elem } = joined(prefix, path);
  const segments: string[] = [];
  const query = new Map<string, string>();
  let length = 0;
  for (const [i, { name, key }] of elem.entries()) {
    length += name.length;
    segments.push(name);
    for (const [parameter, value] of Object.entries(key ?? {})) {
      length += parameter.length + value.length;
      if (parameter === ENTRY) segments.push(value);
      else if (i === elem.length - 1) query.set(parameter, value);
      else
        throw bad(`the key ${parameter} of ${name}: before the last element of a path there is only the key ${ENTRY}`);
    }
  }
  if (length > LONGEST) throw bad(`the path has ${length} characters, and ${LONGEST} are allowed`);
  return { segments, query };
}
