import { formatIpv6, formatIpv6Prefix, type Ipv6Prefix, type Moment, toHex } from "../../base/index.ts";
import { GROUP_SLOTS, type Operation } from "../../forwarding/index.ts";
import type { PlanTables } from "../memory/plan-tables.ts";
import { wholeOf } from "../plan-operations.ts";
import { REFUSALS } from "./messages.ts";

/** Something that the executor does not have as the plan says, with its reason. */
export interface Difference {
  /** `next hop 7`, `group 3`, `policy 4096`, `capability fd5e::1`, `aggregate fd5e:0:0:1::/64`, `node 2001:db8::1`. */
  readonly object: string;
  readonly code: (typeof REFUSALS)[number];
  readonly reason: string;
  readonly since: Moment;
}

export type ObjectKind = "node" | "next-hop" | "encapsulation" | "group" | "policy" | "capability" | "aggregate";

interface Known extends Difference {
  readonly kind: ObjectKind;
  readonly operation: Operation;
}

const NOT_FOUND = 2;
/** What is pointed at comes before what points at it. */
const ORDER: readonly ObjectKind[] = [
  "node",
  "next-hop",
  "encapsulation",
  "group",
  "policy",
  "capability",
  "aggregate",
];

/**
 * What the executor refused and what has not come right since: never forgotten before an operation that says all of the object is
 * carried out, so that no difference between plan and executor is silent.
 */
export class Differences {
  readonly #known = new Map<string, Known>();

  get size(): number {
    return this.#known.size;
  }

  list(most: number): readonly Difference[] {
    return Array.from(this.#known.values().take(most), ({ object, code, reason, since }) => {
      return { object, code, reason, since };
    });
  }

  clear(): void {
    this.#known.clear();
  }

  /** True when it was not known to differ before. */
  refused(operation: Operation, refusal: { readonly code: number; readonly reason: string }, now: Moment): boolean {
    const removes = operation.type.startsWith("remove-");
    const { kind, key, object } = objectOf(operation);
    // What should go and is not there is as it should be.
    if (removes && refusal.code === NOT_FOUND) {
      this.#isRight(operation);
      return false;
    }
    const before = this.#known.get(key);
    const code = REFUSALS[refusal.code] ?? "internal";
    const since = before?.since ?? now;
    this.#known.set(key, { kind, operation, object, code, reason: refusal.reason, since });
    return before === undefined;
  }

  /** An operation was carried out. */
  done(operation: Operation): void {
    if (this.#known.size > 0 && saysAll(operation)) this.#isRight(operation);
  }

  #isRight(operation: Operation): void {
    this.#known.delete(objectOf(operation).key);
    if (operation.type === "set-next-hop" || operation.type === "remove-next-hop")
      this.#known.delete(`e${operation.index}`);
  }

  /** Operations that make each of them right, in an order that is allowed: first what is set, then what is removed. */
  retry(tables: PlanTables): readonly Operation[] {
    const sets: Operation[][] = ORDER.map(() => []);
    const removals: Operation[][] = ORDER.map(() => []);
    for (const { kind, operation } of this.#known.values()) {
      const wanted = wantedOf(operation, tables);
      (wanted.type.startsWith("remove-") ? removals : sets)[ORDER.indexOf(kind)]!.push(wanted);
    }
    return [...sets.flat(), ...removals.toReversed().flat()];
  }
}

/** What an operation is about. */
export function objectOf(operation: Operation): { kind: ObjectKind; key: string; object: string } {
  switch (operation.type) {
    case "set-next-hop":
    case "set-next-hop-state":
    case "remove-next-hop":
      return { kind: "next-hop", key: `h${operation.index}`, object: `next hop ${operation.index}` };
    case "set-encapsulation": {
      const { index } = operation;
      return { kind: "encapsulation", key: `e${index}`, object: `encapsulation of next hop ${index}` };
    }
    case "set-slots":
    case "remove-group":
      return { kind: "group", key: `g${operation.group}`, object: `group ${operation.group}` };
    case "set-policy":
    case "remove-policy":
      return { kind: "policy", key: `p${operation.index}`, object: `policy ${operation.index}` };
    case "set-capability":
      return capabilityAt(operation.entry.address);
    case "remove-capability":
      return capabilityAt(operation.address);
    case "set-aggregate":
      return aggregateAt(operation.aggregate.prefix);
    case "remove-aggregate":
      return aggregateAt(operation.prefix);
    case "set-node":
    case "remove-node":
      return { kind: "node", key: `n${toHex(operation.locator)}`, object: `node ${formatIpv6(operation.locator)}` };
  }
}

function capabilityAt(address: Uint8Array): { kind: ObjectKind; key: string; object: string } {
  return { kind: "capability", key: `c${toHex(address)}`, object: `capability ${formatIpv6(address)}` };
}

function aggregateAt(prefix: Ipv6Prefix): { kind: ObjectKind; key: string; object: string } {
  const text = formatIpv6Prefix(prefix);
  return { kind: "aggregate", key: `a${text}`, object: `aggregate ${text}` };
}

/** True for an operation after which the object is as the plan says, whatever it was before. */
function saysAll(operation: Operation): boolean {
  if (operation.type === "set-next-hop-state") return false;
  return operation.type !== "set-slots" || operation.slots.length === GROUP_SLOTS;
}

/** The operation that makes its object what the plan says now. */
function wantedOf(operation: Operation, tables: PlanTables): Operation {
  const whole = wholeOf(tables, operation);
  if (operation.type === "set-encapsulation" && whole?.type === "set-next-hop" && whole.nextHop.kind === "tunnel") {
    const { encapsulation } = whole.nextHop;
    return { type: "set-encapsulation", index: whole.index, ...(encapsulation === undefined ? {} : { encapsulation }) };
  }
  return whole ?? removalOf(operation);
}

/** The operation after which that object is not there. */
export function removalOf(operation: Operation): Operation {
  switch (operation.type) {
    case "set-next-hop":
    case "set-next-hop-state":
    case "set-encapsulation":
      return { type: "remove-next-hop", index: operation.index };
    case "set-slots":
      return { type: "remove-group", group: operation.group };
    case "set-policy":
      return { type: "remove-policy", index: operation.index };
    case "set-capability":
      return { type: "remove-capability", address: operation.entry.address };
    case "set-aggregate":
      return { type: "remove-aggregate", prefix: operation.aggregate.prefix };
    case "set-node":
      return { type: "remove-node", locator: operation.locator };
    default:
      return operation;
  }
}
