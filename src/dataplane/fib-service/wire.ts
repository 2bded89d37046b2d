import type { Ipv6Prefix } from "../../base/index.ts";
import {
  type Affinity,
  type Encapsulation,
  GROUP_SLOTS,
  type NextHop,
  type NextHopState,
  type Operation,
} from "../../forwarding/index.ts";
import type { PortOptions } from "../driver.ts";
import {
  type EncapsulationMessage,
  type NextHopTarget,
  type OperationMessage,
  type PortMessage,
  type PrefixMessage,
  ROLES,
  STATES,
} from "./messages.ts";
import { policyMessage, policyOperation } from "./policy-wire.ts";

/** By their number. */
const AFFINITIES: readonly (Affinity | undefined)[] = [undefined, "address", "none", "connection"];

/** The message of an operation. Borrows its octets. */
export function toMessage(operation: Operation): OperationMessage {
  switch (operation.type) {
    case "set-next-hop": {
      const { index, nextHop, state } = operation;
      return { set_next_hop: { index, state: STATES.indexOf(state), ...targetOf(nextHop) } };
    }
    case "set-next-hop-state":
      return { set_next_hop_state: { index: operation.index, state: STATES.indexOf(operation.state) } };
    case "remove-next-hop":
      return { remove_next_hop: operation.index };
    case "set-slots": {
      const { group, backup, slots } = operation;
      return {
        set_slots: {
          group,
          backup,
          slot: slots.map(({ slot }) => slot),
          current: slots.map(({ current }) => current),
          previous: slots.map(({ previous }) => previous),
        },
      };
    }
    case "remove-group":
      return { remove_group: operation.group };
    case "set-capability": {
      const { address, group, localGroup, policy = 0, affinity } = operation.entry;
      const number = AFFINITIES.indexOf(affinity);
      return { set_capability: { address, group, local_group: localGroup, policy, affinity: number } };
    }
    case "remove-capability":
      return { remove_capability: operation.address };
    case "set-policy":
      return policyMessage(operation.index, operation.policy);
    case "remove-policy":
      return { remove_policy: operation.index };
    case "set-aggregate": {
      const { prefix, group, policy = 0 } = operation.aggregate;
      return { set_aggregate: { prefix, group, policy } };
    }
    case "remove-aggregate":
      return { remove_aggregate: operation.prefix };
    case "set-node":
      return { set_node: { locator: operation.locator, vni: operation.vni ?? 0 } };
    case "set-encapsulation":
      return { set_encapsulation: { index: operation.index, ...wrappedBy(operation.encapsulation) } };
    case "remove-node":
      return { remove_node: operation.locator };
  }
}

function wrappedBy(encapsulation: Encapsulation | undefined): { readonly encapsulation?: EncapsulationMessage } {
  switch (encapsulation?.kind) {
    case undefined:
      return {};
    case "segments":
      return { encapsulation: { segments: { waypoint: encapsulation.waypoints } } };
    case "vxlan": {
      const { vni, destination, source } = encapsulation;
      return { encapsulation: { vxlan: { vni, destination, source } } };
    }
  }
}

function targetOf(
  nextHop: NextHop,
): Pick<NonNullable<OperationMessage["set_next_hop"]>, NextHopTarget | "encapsulation"> {
  switch (nextHop.kind) {
    case "tunnel":
      return { tunnel: nextHop.locator, ...wrappedBy(nextHop.encapsulation) };
    case "local":
      return { local: true };
    case "instance": {
      const { instance: id, address, port, protocol, servicePort } = nextHop;
      return { instance: { id, address, port, udp: protocol === "udp", service_port: servicePort } };
    }
  }
}

/**
 * The operation of a message, or one sentence why it is none. Whether the tables allow it is `checkOperation`'s question.
 * The operation keeps the message's octets.
 */
export function fromMessage(message: OperationMessage): Operation | string {
  switch (message.operation) {
    case "set_next_hop": {
      const { index, state, ...target } = message.set_next_hop!;
      const nextHop = nextHopOf(target);
      if (typeof nextHop === "string") return nextHop;
      return withState(state, (known) => ({ type: "set-next-hop", index, nextHop, state: known }));
    }
    case "set_next_hop_state": {
      const { index, state } = message.set_next_hop_state!;
      return withState(state, (known) => ({ type: "set-next-hop-state", index, state: known }));
    }
    case "remove_next_hop":
      return { type: "remove-next-hop", index: message.remove_next_hop! };
    case "set_slots": {
      const { group, backup, slot, current, previous } = message.set_slots!;
      if (slot.length > GROUP_SLOTS) return `${slot.length} slots, and a group has ${GROUP_SLOTS}`;
      if (current.length !== slot.length || previous.length !== slot.length)
        return `${slot.length} slots have ${current.length} owners and ${previous.length} former ones`;
      const slots = slot.map((each, i) => ({ slot: each, current: current[i]!, previous: previous[i]! }));
      return { type: "set-slots", group, slots, backup };
    }
    case "remove_group":
      return { type: "remove-group", group: message.remove_group! };
    case "set_capability": {
      const { address, group, local_group: localGroup, policy, affinity: number } = message.set_capability!;
      if (number >= AFFINITIES.length) return `${number} is no affinity`;
      const affinity = AFFINITIES[number];
      const named = { ...(policy === 0 ? {} : { policy }), ...(affinity && { affinity }) };
      return withAddress(address, (known) => ({
        ...{ type: "set-capability", entry: { address: known, group, localGroup, ...named } },
      }));
    }
    case "remove_capability":
      return withAddress(message.remove_capability!, (address) => ({ type: "remove-capability", address }));
    case "set_policy":
      return policyOperation(message.set_policy!);
    case "remove_policy":
      return { type: "remove-policy", index: message.remove_policy! };
    case "set_aggregate": {
      const { prefix, group, policy } = message.set_aggregate!;
      return withPrefix(prefix, (known) => ({
        ...{ type: "set-aggregate", aggregate: { prefix: known, group, ...(policy === 0 ? {} : { policy }) } },
      }));
    }
    case "remove_aggregate":
      return withPrefix(message.remove_aggregate!, (prefix) => ({ type: "remove-aggregate", prefix }));
    case "set_node": {
      const { locator, vni } = message.set_node!;
      return withAddress(locator, (known) => ({ type: "set-node", locator: known, ...(vni === 0 ? {} : { vni }) }));
    }
    case "set_encapsulation": {
      const { index, encapsulation } = message.set_encapsulation!;
      const wrapped = encapsulationOf(encapsulation);
      return typeof wrapped === "string" ? wrapped : { type: "set-encapsulation", index, ...wrapped };
    }
    case "remove_node":
      return withAddress(message.remove_node!, (locator) => ({ type: "remove-node", locator }));
    default:
      return "an operation of no kind that this version knows";
  }
}

function nextHopOf(target: Omit<NonNullable<OperationMessage["set_next_hop"]>, "index" | "state">): NextHop | string {
  switch (target.target) {
    case "tunnel": {
      if (target.tunnel!.length !== 16) return NOT_AN_ADDRESS;
      const wrapped = encapsulationOf(target.encapsulation);
      return typeof wrapped === "string" ? wrapped : { kind: "tunnel", locator: octets(target.tunnel!), ...wrapped };
    }
    case "local":
      return target.local === true ? { kind: "local" } : "a next hop that is not local, and nothing else";
    case "instance": {
      const { id, address, port, udp, service_port: servicePort } = target.instance!;
      if (address.length !== 16) return NOT_AN_ADDRESS;
      const protocol = udp ? "udp" : "tcp";
      return { kind: "instance", instance: id, address: octets(address), port, protocol, servicePort };
    }
    default:
      return "a next hop without a target";
  }
}

function encapsulationOf(
  message: EncapsulationMessage | null | undefined,
): { readonly encapsulation?: Encapsulation } | string {
  if (message === null || message === undefined) return {};
  switch (message.kind) {
    case "segments": {
      const waypoints = message.segments!.waypoint.map(octets);
      return { encapsulation: { kind: "segments", waypoints } };
    }
    case "vxlan": {
      const { vni, destination, source } = message.vxlan!;
      return { encapsulation: { kind: "vxlan", vni, destination: octets(destination), source: octets(source) } };
    }
    default:
      return "an encapsulation of no kind that this version knows";
  }
}

const NOT_AN_ADDRESS = "an address has 16 octets";

/** A plain array of octets, so that what comes from the wire compares equal to what never was on it. */
function octets(received: Uint8Array): Uint8Array {
  return new Uint8Array(received.buffer, received.byteOffset, received.length);
}

function withAddress(address: Uint8Array, make: (address: Uint8Array) => Operation): Operation | string {
  return address.length === 16 ? make(octets(address)) : NOT_AN_ADDRESS;
}

function withPrefix(prefix: PrefixMessage | null, make: (prefix: Ipv6Prefix) => Operation): Operation | string {
  if (prefix?.address.length !== 16) return NOT_AN_ADDRESS;
  return make({ address: octets(prefix.address), length: prefix.length });
}

function withState(state: number, make: (state: NextHopState) => Operation): Operation | string {
  const known = STATES[state];
  return known === undefined ? `${state} is no state of a next hop` : make(known);
}

export function portMessage(port: PortOptions): PortMessage {
  const { interface: name, role, tenantIndex, sources, acceptTags = false, clampMss = false } = port;
  const behind = (sources ?? []).map(({ prefix: { address, length }, tenantIndex: tenant }) => {
    return { address, length, tenant_index: tenant };
  });
  const checked = {
    checks_sources: sources !== undefined,
    sources: behind,
    accepts_tags: acceptTags,
    clamps_mss: clampMss,
  };
  return { interface: name, role: ROLES.indexOf(role), tenant_index: tenantIndex, ...checked };
}
