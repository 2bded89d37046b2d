import type { Clock, Metrics } from "../base/index.ts";
import { type DampedSummary, type DampingSettings, SourceDamper } from "../directory/index.ts";

interface Watched extends DampedSummary {
  readonly facts: string;
  readonly summary: DampedSummary;
}

/** One damper for all that this router says: sites, instances and prefixes share its rate. */
export class OriginDamper implements Disposable {
  readonly #damper: SourceDamper<Watched>;
  readonly #tell = new Map<string, (told: never) => void>();

  constructor(settings: DampingSettings, parts: { readonly clock: Clock; readonly metrics: Metrics }) {
    this.#damper = new SourceDamper(settings, {
      ...parts,
      facts: ({ facts }) => facts,
      say: (key, told) => {
        const tell = this.#tell.get(key);
        if (told === undefined) this.#tell.delete(key);
        // Only the score of what is said is another one than that of what was observed.
        tell?.((told && { ...told.summary, score: told.score }) as never);
      },
    });
  }

  /**
   * @param facts what of the summary is said at once when it changes
   * @param tell carries out what may be said; the latest one of a key is used
   */
  observe<S extends DampedSummary>(
    key: string,
    summary: S | undefined,
    facts: (summary: S) => string,
    tell: (told: S | undefined) => void,
  ): void {
    this.#tell.set(key, tell as (told: never) => void);
    if (summary === undefined) this.#damper.observe(key, undefined);
    else {
      const { state, score, weight, usable } = summary;
      this.#damper.observe(key, { state, score, weight, usable, facts: facts(summary), summary });
    }
    if (!this.#damper.knows(key)) this.#tell.delete(key);
  }

  /** Goes on by other settings. */
  follow(settings: DampingSettings): void {
    this.#damper.follow(settings);
  }

  [Symbol.dispose](): void {
    this.#damper[Symbol.dispose]();
  }
}
