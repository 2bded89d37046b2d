import { expressionsOf, profileCriteria, shelfCriteria, type Verdict } from "./criteria.ts";
import { resourceOf } from "./resource.ts";
import { type SelectionParts, Selections } from "./selections.ts";
import { type Alarm, type AlarmControl, type AlarmType, SEVERITIES, type Severity } from "./types.ts";

type Subject = Pick<Alarm, "resource" | "type">;

/**
 * Which shelf an alarm belongs on, and which severity it has there, by what is configured.
 *
 * @see RFC 8632 §4.1.1 (shelves), §4.7 (profiles)
 */
export class Placement {
  readonly #types: readonly AlarmType[];
  readonly #selections: Selections;
  #shelves: readonly { readonly name: string; readonly fits: ReturnType<typeof shelfCriteria> }[] = [];
  #profiles: readonly ReturnType<typeof profileCriteria>[] = [];

  constructor(types: readonly AlarmType[], parts: SelectionParts) {
    this.#types = types;
    this.#selections = new Selections(parts);
  }

  follow(control: AlarmControl): void {
    const verdict: Verdict = (expression, resource) => this.#selections.verdict(expression, resource);
    this.#selections.follow(expressionsOf(control).map(({ expression }) => expression));
    this.#shelves = control.shelves.map((shelf) => ({ name: shelf.name, fits: shelfCriteria(shelf, verdict) }));
    this.#profiles = control.profiles.map((profile) => profileCriteria(profile, verdict));
  }

  /** The data tree that XPath criteria select of is another one. */
  refresh(): void {
    this.#selections.refresh();
  }

  /** Nothing is asked of this resource any more. */
  forget(resource: string): void {
    this.#selections.forget(resourceOf(resource));
  }

  /** The first that fits; `undefined`: none. `null`: that is not known yet. */
  shelfOf({ resource, type }: Subject): string | undefined | null {
    for (const { name, fits } of this.#shelves) {
      const is = fits(resource, type);
      if (is === undefined) return null;
      if (is) return name;
    }
    return undefined;
  }

  /**
   * The severity that a profile has instead: the first of its type becomes the first of the profile, and so on. `undefined`:
   * not known yet.
   */
  severityOf({ resource, type }: Subject, reported: Severity): Severity | undefined {
    for (const { fits, levels } of this.#profiles) {
      const is = fits(resource, type);
      if (is === undefined) return undefined;
      if (!is) continue;
      if (levels.length === 0) return reported;
      const own = this.#types.find(({ id }) => id === type)?.severities ?? [];
      const place = SEVERITIES.filter((severity) => own.includes(severity)).indexOf(reported);
      return levels[Math.min(Math.max(place, 0), levels.length - 1)]!;
    }
    return reported;
  }
}
