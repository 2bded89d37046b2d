import type { GroupIndex, Operation } from "./plan.ts";

/** Where an operation belongs within a step; mostly with those of its kind. */
export type Place =
  | Operation["type"]
  /** An entry that keeps its group of sites, and gets instances. */
  | "gains-instances"
  /** Slots of a group in use that lead to this router now: its instances are there before. */
  | "leads-here";

/**
 * Operations of one step, in the order that keeps every packet on the old or the new plan: what is pointed at comes before
 * what points at it, and leaves after it.
 */
export class OperationBatch {
  readonly #sections: Operation[][] = ORDER.map(() => []);
  /** Groups with slots in the later place: what comes after them must not come before. */
  readonly #leadHere = new Set<GroupIndex>();

  add(operation: Operation, place: Place = operation.type): void {
    let at = place;
    if (operation.type === "set-slots") {
      if (place === "leads-here") this.#leadHere.add(operation.group);
      else if (this.#leadHere.has(operation.group)) at = "leads-here";
    }
    this.#sections[PLACE.get(at)!]!.push(operation);
  }

  /** A next hop's state must not wait for the end of the slice. */
  get isUrgent(): boolean {
    return this.#sections[STATES]!.length > 0;
  }

  get isEmpty(): boolean {
    return this.#sections.every(({ length }) => length === 0);
  }

  /** Hands them out and starts over. */
  take(): readonly Operation[] {
    const operations = this.#sections.flat();
    for (const section of this.#sections) section.length = 0;
    this.#leadHere.clear();
    return operations;
  }
}

const ORDER: readonly Place[] = [
  "set-node",
  "set-next-hop",
  "set-next-hop-state",
  "set-encapsulation",
  "set-slots",
  "set-policy",
  "gains-instances",
  "leads-here",
  "set-capability",
  "remove-capability",
  "remove-policy",
  "remove-group",
  "remove-next-hop",
  "remove-node",
];
const PLACE = new Map(ORDER.map((type, place) => [type, place]));
const STATES = PLACE.get("set-next-hop-state")!;
