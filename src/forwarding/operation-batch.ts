import { CapabilityBatch, MOST_IN_BATCH } from "./capability-batch.ts";
import type { GroupContent } from "./group-content.ts";
import { GroupRunBuilder } from "./group-run.ts";
import type { GroupIndex, Operation, OperationSink } from "./plan.ts";

/** Where an operation belongs within a step; mostly with those of its kind. */
export type Place =
  | Operation["type"]
  /** An entry that keeps its group of sites, and gets instances. */
  | "gains-instances"
  /** Slots of a group in use that lead to this router now: its instances are there before. */
  | "leads-here";

/** What a sink takes without an object each. */
export interface Takes {
  readonly groups: boolean;
  readonly capabilities: boolean;
}

/**
 * Operations of one step, in the order that keeps every packet on the old or the new plan: what is pointed at comes before
 * what points at it, and leaves after it.
 */
export class OperationBatch {
  readonly #takes: Takes;
  readonly #sections: Operation[][] = ORDER.map(() => []);
  readonly #groups = new GroupRunBuilder();
  readonly #capabilities: CapabilityBatch;
  /** Groups with slots in the later place: what comes after them must not come before. */
  readonly #leadHere = new Set<GroupIndex>();

  constructor(takes: Takes) {
    this.#takes = takes;
    this.#capabilities = new CapabilityBatch(takes.capabilities ? MOST_IN_BATCH : 0);
  }

  add(operation: Operation, place: Place = operation.type): void {
    let at = place;
    if (operation.type === "set-slots") {
      if (place === "leads-here") this.#leadHere.add(operation.group);
      else if (this.#leadHere.has(operation.group)) at = "leads-here";
    }
    this.#sections[PLACE.get(at)!]!.push(operation);
  }

  /** A new group, before all other slots, without an object for it. False: to be added as an operation. */
  addGroup(group: GroupIndex, content: GroupContent): boolean {
    if (this.#takes.groups) this.#groups.add(group, content);
    return this.#takes.groups;
  }

  /** The batch for each `set-capability`, where there is room in one. */
  get capabilities(): CapabilityBatch | undefined {
    return this.#capabilities.isFull ? undefined : this.#capabilities;
  }

  /** A next hop's state must not wait for the end of the slice. */
  get isUrgent(): boolean {
    return this.#sections[STATES]!.length > 0;
  }

  get isEmpty(): boolean {
    return this.size === 0;
  }

  get size(): number {
    let size = this.#groups.count + this.#capabilities.length;
    for (const section of this.#sections) size += section.length;
    return size;
  }

  /** Hands all of it to the sink, as one generation, and starts over. */
  carryOut(sink: OperationSink, generation: number): void {
    const apply = (first: number, last: number): void => {
      const operations = this.#sections.slice(first, last).flat();
      for (const section of this.#sections.slice(first, last)) section.length = 0;
      if (operations.length > 0) sink.apply(operations, generation);
    };
    this.#leadHere.clear();
    this.#sections[AGGREGATES]!.sort((a, b) => prefixLength(b) - prefixLength(a));
    this.#sections[AGGREGATES + 1]!.sort((a, b) => prefixLength(a) - prefixLength(b));
    if (this.#groups.count > 0) {
      apply(0, SLOTS);
      sink.setGroups!(this.#groups.take(), generation);
    }
    if (this.#capabilities.length > 0) {
      apply(0, AFTER_CAPABILITIES);
      sink.fill!(this.#capabilities, generation);
      this.#capabilities.clear();
    }
    apply(0, ORDER.length);
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
  "set-aggregate",
  "remove-aggregate",
  "remove-capability",
  "remove-policy",
  "remove-group",
  "remove-next-hop",
  "remove-node",
];
const PLACE = new Map(ORDER.map((type, place) => [type, place]));
const STATES = PLACE.get("set-next-hop-state")!;
const SLOTS = PLACE.get("set-slots")!;
/** What sets them; then comes what removes them. */
const AGGREGATES = PLACE.get("set-aggregate")!;
const AFTER_CAPABILITIES = AGGREGATES;

/** The longer one comes first and goes last: else its packets would meet the shorter one in between. */
function prefixLength(operation: Operation): number {
  if (operation.type === "set-aggregate") return operation.aggregate.prefix.length;
  return operation.type === "remove-aggregate" ? operation.prefix.length : 0;
}
