/** What a view made of an answer, and what of the answer it missed. */
export interface Shown {
  readonly text: string;
  /** Members as `dataplane.executor` or `[].name`, where `[]` is every entry. */
  readonly missing: readonly string[];
}

/** Stand-ins for a member that is not there, so that a view can go on: it iterates over it, prints it, or reckons with it. */
const STAND_INS: readonly unknown[] = [[], "?", 0, {}];
/** Each stand-in for each member that a neighbour in detail may have, twice over. */
const MOST_TRIES = 512;
/** Between the names of a path; no name has it. */
const STEP = "\0";
const UNSAID = /\b(undefined|NaN)/g;

/**
 * Shows what a router says that knows fewer members than the view (an older one), with a `?` or nothing where they would stand.
 * Costs more than the view alone only when that fails. What fails for another reason fails as before.
 *
 * @throws whatever `view` throws and no stand-in mends
 */
export function showIncomplete<T>(answer: T, view: (answer: T) => string): Shown {
  let best = attempt(answer, view);
  const missing: string[] = [];
  let current: unknown = answer;
  for (let tries = 0; best.faults > 0 && tries < MOST_TRIES; ) {
    let found: { readonly path: string; readonly answer: unknown; readonly result: Attempt } | undefined;
    for (const path of absentIn(current as T, view)) {
      for (const stand of STAND_INS) {
        tries++;
        const patched = withMember(current, path.split(STEP), stand);
        const result = attempt(patched as T, view);
        const first = found === undefined && isBetter(result, best);
        const mends = found !== undefined && result.faults < found.result.faults;
        if (first || mends) found = { path, answer: patched, result };
      }
      if (found !== undefined || tries >= MOST_TRIES) break;
    }
    if (found === undefined) break;
    ({ answer: current, result: best } = found);
    missing.push(found.path);
  }
  if (best.error !== undefined) throw best.error;
  return { text: best.text, missing: [...new Set(missing)].map((path) => path.replaceAll(STEP, ".")) };
}

interface Attempt {
  readonly text: string;
  /** Absent: it came to a text. */
  readonly error?: unknown;
  /** Where it stopped. */
  readonly place: string;
  readonly faults: number;
}

function attempt<T>(answer: T, view: (answer: T) => string): Attempt {
  try {
    const text = view(answer);
    return { text, place: "", faults: text.match(UNSAID)?.length ?? 0 };
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError)) throw error;
    const [place = ""] = (error.stack ?? "").slice(`${error.name}: ${error.message}`.length).split("at attempt (");
    return { text: "", error, place, faults: Number.POSITIVE_INFINITY };
  }
}

/** Less is wrong, or the view came to another place. */
function isBetter(result: Attempt, than: Attempt): boolean {
  if (result.error === undefined || than.error === undefined) return result.faults < than.faults;
  return result.place !== than.place;
}

/** The members that the view looked for and did not find, the last one first. */
function absentIn<T>(answer: T, view: (answer: T) => string): readonly string[] {
  const absent = new Set<string>();
  const watched = (value: unknown, path: readonly string[]): unknown => {
    if (typeof value !== "object" || value === null) return value;
    return new Proxy(value, {
      get(target, name, receiver) {
        const member: unknown = Reflect.get(target, name, receiver);
        if (typeof name !== "string" || name === "constructor" || typeof member === "function") return member;
        const below = [...path, /^\d+$/.test(name) && Array.isArray(target) ? "[]" : name];
        if (member === undefined) {
          absent.delete(below.join(STEP));
          absent.add(below.join(STEP));
        }
        return watched(member, below);
      },
    });
  };
  try {
    view(watched(answer, []) as T);
  } catch {
    // Where it stopped is known; what it looked for last is wanted
  }
  return [...absent].toReversed();
}

/** A copy with the member, everywhere that the path leads to and it is not. */
function withMember(value: unknown, [name, ...rest]: readonly string[], member: unknown): unknown {
  if (name === undefined) return value ?? member;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    if (name === "[]") return value.map((entry) => withMember(entry, rest, member));
    return Object.assign([...value], value, { [name]: withMember(value[name as keyof typeof value], rest, member) });
  }
  const own = value as Readonly<Record<string, unknown>>;
  return { ...own, [name]: withMember(own[name], rest, member) };
}
