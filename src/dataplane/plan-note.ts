import { fromHex, toHex } from "../base/index.ts";
import type { Operation, SlotOwner } from "../forwarding/index.ts";

/**
 * An entry of a plan as the operation that makes it, as text, for the process after this one: Open vSwitch keeps it in a
 * `note` of a flow, the linux driver in a file. Octets are `{"hex":"…"}`; the slots of a group are two rows of numbers.
 */
export function noteOf(operation: Operation): Uint8Array {
  const compact =
    operation.type === "set-slots"
      ? {
          ...operation,
          slots: [operation.slots.map(({ current }) => current), operation.slots.map(({ previous }) => previous)],
        }
      : operation;
  return new TextEncoder().encode(
    JSON.stringify(compact, (_, value: unknown) => (value instanceof Uint8Array ? { hex: toHex(value) } : value)),
  );
}

/** The operation of a note, `undefined` for what is none. Whether the tables allow it is theirs to say. */
export function operationOf(note: Uint8Array): Operation | undefined {
  let found: unknown;
  try {
    found = JSON.parse(new TextDecoder().decode(note), (_, value: unknown) =>
      isRecord(value) && typeof value.hex === "string" ? fromHex(value.hex) : value,
    );
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
  if (!isRecord(found) || typeof found.type !== "string") return undefined;
  if (found.type !== "set-slots") return hasParts(found) ? (found as unknown as Operation) : undefined;
  const { slots, group, backup } = found;
  if (!Array.isArray(slots) || typeof group !== "number" || typeof backup !== "number") return undefined;
  const [current, previous] = slots as unknown[];
  if (!isRow(current) || !isRow(previous) || current.length !== previous.length) return undefined;
  const owners: SlotOwner[] = current.map((owner, slot) => ({ slot, current: owner, previous: previous[slot]! }));
  return { type: "set-slots", group, slots: owners, backup };
}

/** The octets and numbers that the check of an operation reads without asking. */
function hasParts(found: Readonly<Record<string, unknown>>): boolean {
  switch (found.type) {
    case "set-next-hop": {
      const { index, nextHop, state } = found;
      if (typeof index !== "number" || !isRecord(nextHop) || !["up", "down", "draining"].includes(String(state)))
        return false;
      const { kind } = nextHop;
      if (kind === "tunnel") return nextHop.locator instanceof Uint8Array;
      if (kind !== "instance") return kind === "local";
      const { address, instance, protocol } = nextHop;
      return (
        address instanceof Uint8Array && typeof instance === "string" && (protocol === "tcp" || protocol === "udp")
      );
    }
    case "set-capability": {
      const { entry } = found;
      return isRecord(entry) && entry.address instanceof Uint8Array;
    }
    case "set-policy": {
      const { policy } = found;
      if (!isRecord(policy) || !isRow(policy.allowed)) return false;
      return [policy.packets, policy.bits].every((rate) => rate === undefined || isRecord(rate));
    }
    case "set-aggregate": {
      const { aggregate } = found;
      return isRecord(aggregate) && isRecord(aggregate.prefix) && aggregate.prefix.address instanceof Uint8Array;
    }
    case "set-node":
      return found.locator instanceof Uint8Array;
    default:
      return false;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isRow = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((each) => typeof each === "number");
