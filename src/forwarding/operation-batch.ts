import type { Operation } from "./plan.ts";

/**
 * Operations of one step, in the order that keeps every packet on the old or the new plan: what is pointed at comes before
 * what points at it, and leaves after it.
 */
export class OperationBatch {
  readonly #sections: Operation[][] = ORDER.map(() => []);

  add(operation: Operation): void {
    this.#sections[PLACE.get(operation.type)!]!.push(operation);
  }

  get isEmpty(): boolean {
    return this.#sections.every(({ length }) => length === 0);
  }

  /** Hands them out and starts over. */
  take(): readonly Operation[] {
    const operations = this.#sections.flat();
    for (const section of this.#sections) section.length = 0;
    return operations;
  }
}

const ORDER: readonly Operation["type"][] = [
  "set-node",
  "set-next-hop",
  "set-next-hop-state",
  "set-encapsulation",
  "set-slots",
  "set-policy",
  "set-capability",
  "remove-capability",
  "remove-policy",
  "remove-group",
  "remove-next-hop",
  "remove-node",
];
const PLACE = new Map(ORDER.map((type, place) => [type, place]));
