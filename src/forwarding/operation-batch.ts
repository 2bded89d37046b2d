import type { Ipv6Address } from "../base/index.ts";
import type { GroupContent } from "./group-content.ts";
import { CapabilityRunBuilder, GroupRunBuilder } from "./operation-runs.ts";
import type { GroupIndex, Operation, OperationSink } from "./plan.ts";
import type { PolicyIndex } from "./policy.ts";

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
  /** New groups and entries may be added without an object each. */
  readonly takesRuns: boolean;
  readonly #sections: Operation[][] = ORDER.map(() => []);
  readonly #groups = new GroupRunBuilder();
  readonly #capabilities = new CapabilityRunBuilder();
  /** Groups with slots in the later place: what comes after them must not come before. */
  readonly #leadHere = new Set<GroupIndex>();

  constructor(takesRuns: boolean) {
    this.takesRuns = takesRuns;
  }

  add(operation: Operation, place: Place = operation.type): void {
    let at = place;
    if (operation.type === "set-slots") {
      if (place === "leads-here") this.#leadHere.add(operation.group);
      else if (this.#leadHere.has(operation.group)) at = "leads-here";
    }
    this.#sections[PLACE.get(at)!]!.push(operation);
  }

  /** A new group, before all other slots. Only where runs are taken. */
  addGroup(group: GroupIndex, content: GroupContent): void {
    this.#groups.add(group, content);
  }

  /** A `set-capability` in its place; the address is copied. Only where runs are taken. */
  addCapability(address: Ipv6Address, group: GroupIndex, localGroup: GroupIndex, policy: PolicyIndex): void {
    this.#capabilities.add(address, group, localGroup, policy);
  }

  /** A next hop's state must not wait for the end of the slice. */
  get isUrgent(): boolean {
    return this.#sections[STATES]!.length > 0;
  }

  get isEmpty(): boolean {
    return this.size === 0;
  }

  get size(): number {
    let size = this.#groups.count + this.#capabilities.count;
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
    if (this.#groups.count > 0) {
      apply(0, SLOTS);
      sink.runs!.setGroups(this.#groups.take(), generation);
    }
    if (this.#capabilities.count > 0) {
      apply(0, AFTER_CAPABILITIES);
      sink.runs!.setCapabilities(this.#capabilities.take(), generation);
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
  "remove-capability",
  "remove-policy",
  "remove-group",
  "remove-next-hop",
  "remove-node",
];
const PLACE = new Map(ORDER.map((type, place) => [type, place]));
const STATES = PLACE.get("set-next-hop-state")!;
const SLOTS = PLACE.get("set-slots")!;
const AFTER_CAPABILITIES = PLACE.get("remove-capability")!;
