import { octetsEqual } from "../../base/index.ts";
import type { AttributeId, PeerIndex, RouteOutput } from "../../rib/index.ts";
import type { Exported, ExportGroup, KeyedExport } from "./export-group.ts";
import type { ToldSources } from "./told-sources.ts";

/** Nets between two looks at the clock. */
const NETS_AT_ONCE = 64;

export interface RecheckParts {
  readonly output: RouteOutput;
  /** By whom routes were judged that the neighbour was told. */
  readonly before: ExportGroup;
  readonly sources: ToldSources;
}

/**
 * Finds what a neighbour has to be told when its routes are judged by another group: only routes of which the outcome
 * differs are offered again. Each set is judged once by either group.
 */
export class ExportRecheck {
  readonly #parts: RecheckParts;
  readonly #now: ExportGroup;
  #last: { readonly id: AttributeId; readonly source: PeerIndex; readonly differs: KeyDiffers } | undefined;
  readonly #differs = (id: AttributeId, source: PeerIndex, key: Uint8Array, start: number): boolean => {
    if (this.#last?.id !== id || this.#last.source !== source) {
      this.#last = { id, source, differs: this.#compare(id, source) };
    }
    const { differs } = this.#last;
    return typeof differs === "boolean" ? differs : differs(key, start);
  };

  constructor(parts: RecheckParts, now: ExportGroup) {
    this.#parts = parts;
    this.#now = now;
  }

  /** @param inTime asked between pieces: whether this turn may go on. @returns whether all was looked at */
  run(inTime: () => boolean): boolean {
    this.#last = undefined; // numbers of sets hold for one turn
    do {
      if (this.#parts.output.recheck(this.#differs, NETS_AT_ONCE)) return true;
    } while (inTime());
    return false;
  }

  #compare(id: AttributeId, source: PeerIndex): KeyDiffers {
    const { before, sources } = this.#parts;
    if (!sources.mayPass(source)) return false;
    const from = sources.reflectedFrom(source);
    // Each group has memory of its own for its answer.
    const old = before.of(id, from);
    const now = this.#now.of(id, from);
    const differs =
      old.ok !== "by-key" && now.ok !== "by-key"
        ? !isSame(old, now)
        : (key: Uint8Array, start: number) => !isSame(answer(old, key, start), answer(now, key, start));
    if (differs === false || this.#now.guarded === 0) return differs;
    // Both groups are of one session, so that a key which stays has stayed.
    const passes = (key: Uint8Array, start: number) => this.#now.stays(key, start) === undefined;
    return differs === true ? passes : (key, start) => passes(key, start) && differs(key, start);
  }
}

type KeyDiffers = boolean | ((key: Uint8Array, start: number) => boolean);

function answer(exported: Exported | KeyedExport, key: Uint8Array, start: number): Exported {
  return exported.ok === "by-key" ? exported.of(key, start) : exported;
}

/** Whether the neighbour is told the same; why it is told nothing does not matter. */
function isSame(a: Exported, b: Exported): boolean {
  if (!a.ok || !b.ok) return a.ok === b.ok;
  const [before, now] = [a.set, b.set];
  if (before.length !== now.length || !octetsEqual(before.nextHop, now.nextHop)) return false;
  for (let i = 0; i < now.length; i++) if (before.octets[i] !== now.octets[i]) return false;
  return true;
}
