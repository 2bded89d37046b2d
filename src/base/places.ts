import { sameValue } from "./same-value.ts";

/** An address and a port, and whatever else makes one place another. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

/** What listens at a place. */
export interface PlaceListener extends AsyncDisposable {
  /** The change that asked for it is applied, or one that would have ended it is not. Absent: it serves as soon as it listens. */
  letIn?(): void;
}

/** What a server does at its places. */
export interface PlacesParts<P extends Place, L extends PlaceListener> {
  /**
   * Listens. The change may still be refused: whoever comes before `letIn` has nothing that would not be so then. All turn him away
   * but DNS, which answers as it does everywhere.
   *
   * @throws {Error} with the `code` of the system call
   */
  listen(place: P): Promise<L>;
  /** A place is no longer listened on. */
  left?(place: P): void;
}

/** Exactly one of: `abandon`; `apply` then `finish`; `apply` (which may have thrown) then `revert`. */
export interface PreparedPlaces {
  apply(): Promise<void>;
  revert(): Promise<void>;
  finish(): Promise<void>;
  abandon(): Promise<void>;
}

interface Listened<P, L> {
  readonly place: P;
  readonly listener: L;
}

/** Where a server listens, and where it listens next: what stays is not touched. */
export class Places<P extends Place, L extends PlaceListener> {
  readonly #parts: PlacesParts<P, L>;
  #listened: readonly Listened<P, L>[] = [];

  constructor(parts: PlacesParts<P, L>) {
    this.#parts = parts;
  }

  /** In the order in which they were asked for. */
  get listeners(): readonly L[] {
    return this.#listened.map(({ listener }) => listener);
  }

  /**
   * What is to be listened on in addition is, from here on; where something else that goes is in its way (`::` and `::1`), it is
   * when it is applied.
   *
   * @throws whatever `listen` does, with nothing changed
   */
  async prepare(wanted: readonly P[]): Promise<PreparedPlaces> {
    const before = this.#listened;
    const staying = before.filter(({ place }) => wanted.some((other) => sameValue(place, other)));
    const going = before.filter((each) => !staying.includes(each));
    const coming = wanted.filter((place) => !staying.some((each) => sameValue(each.place, place)));
    const added: Listened<P, L>[] = [];
    const inTheWay = new Set<Listened<P, L>>();
    const late: P[] = [];
    const abandon = async (): Promise<void> => {
      for (const { listener } of added.splice(0)) await listener[Symbol.asyncDispose]();
    };
    try {
      for (const place of coming) {
        const others = going.filter((each) => each.place.port === place.port);
        try {
          added.push(await this.#listen(place));
        } catch (cause) {
          if (others.length === 0 || !isTaken(cause)) throw cause;
          for (const other of others) inTheWay.add(other);
          late.push(place);
        }
      }
    } catch (cause) {
      await abandon();
      throw cause;
    }
    return {
      apply: async () => {
        // Gone before the next one is waited for: whatever comes of it, they are known to be.
        this.#listened = before.filter((each) => !inTheWay.has(each));
        for (const each of inTheWay) await this.#leave(each);
        for (const place of late) added.push(await this.#listen(place));
        const all = [...staying, ...added];
        this.#listened = wanted.flatMap((place) => all.find((each) => sameValue(each.place, place)) ?? []);
        this.#letIn();
      },
      revert: async () => {
        await abandon();
        const again: Listened<P, L>[] = [];
        this.#listened = before.filter((each) => !inTheWay.has(each));
        for (const { place } of inTheWay) again.push(await this.#listen(place));
        this.#listened = [...this.#listened, ...again];
        this.#letIn();
      },
      finish: async () => {
        for (const each of going) if (!inTheWay.has(each)) await this.#leave(each);
      },
      abandon,
    };
  }

  /** Listens nowhere any more. */
  async leaveAll(): Promise<void> {
    const all = this.#listened;
    this.#listened = [];
    for (const { listener } of all) await listener[Symbol.asyncDispose]();
  }

  #letIn(): void {
    for (const { listener } of this.#listened) listener.letIn?.();
  }

  async #listen(place: P): Promise<Listened<P, L>> {
    return { place, listener: await this.#parts.listen(place) };
  }

  async #leave({ place, listener }: Listened<P, L>): Promise<void> {
    await listener[Symbol.asyncDispose]();
    this.#parts.left?.(place);
  }
}

/** Also where a part has put it into words of its own. */
function isTaken(cause: unknown): boolean {
  const errors = cause instanceof Error ? [cause, cause.cause] : [];
  return errors.some((each) => (each as { readonly code?: unknown } | undefined)?.code === "EADDRINUSE");
}
