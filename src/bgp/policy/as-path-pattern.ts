import type { AsPathSegment } from "../../rib/index.ts";
import type { AsPathPattern, Interval } from "./definition.ts";

/** So that the states of an automaton are bits of one small integer. */
export const MAX_AS_PATH_TOKENS = 30;

/** One place of a path: an AS, or the members of an AS_SET. */
export type AsPathElement = number | readonly number[];

/** The places of a path; the confederation is nobody's business outside. @see RFC 5065 §5.3 */
export function asPathElements(path: readonly AsPathSegment[]): readonly AsPathElement[] {
  const [only] = path;
  if (path.length === 1 && only!.type === "sequence") return only!.numbers;
  const elements: AsPathElement[] = [];
  for (const { type, numbers } of path) {
    if (type === "sequence") elements.push(...numbers);
    else if (type === "set") elements.push(numbers);
  }
  return elements;
}

function fits({ minimum, maximum }: Interval, element: AsPathElement): boolean {
  if (typeof element === "number") return element >= minimum && element <= maximum;
  return element.some((number) => number >= minimum && number <= maximum);
}

/**
 * Whether a path as a whole fits a pattern. A nondeterministic automaton whose states (tokens that are done) are bits of a
 * number, so its cost is at most tokens times places, whatever a peer sends.
 * @throws {RangeError} for a pattern of more than `MAX_AS_PATH_TOKENS` tokens
 */
export function compileAsPathPattern(pattern: AsPathPattern): (elements: readonly AsPathElement[]) => boolean {
  if (pattern.length > MAX_AS_PATH_TOKENS) {
    throw new RangeError(`an AS path pattern of ${pattern.length} tokens: ${MAX_AS_PATH_TOKENS} at most`);
  }
  const tokens = [...pattern];
  const end = 1 << tokens.length;
  let many = 0;
  for (const [i, token] of tokens.entries()) if (token === "many") many |= 1 << i;
  /** "Any number" can also be none: its state is left without a place being read. */
  const settle = (states: number): number => {
    let settled = states;
    for (let i = 0; i < tokens.length; i++) if ((many & settled & (1 << i)) !== 0) settled |= 1 << (i + 1);
    return settled;
  };
  const start = settle(1);
  return (elements) => {
    let states = start;
    for (const element of elements) {
      let next = states & many;
      for (let i = 0, token = tokens[0]; token !== undefined; token = tokens[++i]) {
        if ((states & (1 << i)) !== 0 && token !== "many" && fits(token, element)) next |= 1 << (i + 1);
      }
      if (next === 0) return false;
      states = next === states ? states : settle(next);
    }
    return (states & end) !== 0;
  };
}
