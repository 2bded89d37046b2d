import { type Ipv6Prefix, parseIpv6, parseIpv6Prefix, type Random } from "../../../base/index.ts";
import {
  type Affinity,
  FIRST_CAPABILITY_POLICY,
  GROUP_SLOTS,
  type Operation,
  type SlotOwner,
} from "../../../forwarding/index.ts";
import type { OperationMessage } from "../messages.ts";
import { toMessage } from "../wire.ts";

const address = (text: string): Uint8Array => parseIpv6(text)!;

/** The domain is fd5e::/48; tenant 1, family 0x8001. */
export const DOMAIN = "fd5e::/48";
export const OWN_LOCATOR = address("2001:db8:f::1");
export const LOCATORS = [2, 3, 4].map((i) => address(`2001:db8:f::${i}`));
export const capabilityAt = (i: number): Uint8Array =>
  address(`fd5e:0:0:1:8001:${(i >>> 16).toString(16)}:${(i & 0xffff).toString(16)}:0`);

export const tunnel = (index: number, to = 0): Operation => ({
  ...{ type: "set-next-hop", index, state: "up" },
  nextHop: { kind: "tunnel", locator: LOCATORS[to % LOCATORS.length]! },
});

export const instance = (index: number): Operation => ({
  ...{ type: "set-next-hop", index, state: "up" },
  nextHop: {
    ...{ kind: "instance", instance: `i-${index}`, address: address("2001:db8:a::7") },
    ...{ port: 8080, protocol: "tcp", servicePort: 80 },
  },
});

export function slotsOf(group: number, current: number, previous = current, backup = 0): Operation {
  const slots = Array.from({ length: GROUP_SLOTS }, (_, slot): SlotOwner => ({ slot, current, previous }));
  return { type: "set-slots", group, slots, backup };
}

export const aggregate = (prefix: Ipv6Prefix, group: number): Operation => ({
  ...{ type: "set-aggregate", aggregate: { prefix, group } },
});

export const capability = (i: number, group: number, localGroup = 0, affinity?: Affinity): Operation => ({
  type: "set-capability",
  entry: { address: capabilityAt(i), group, localGroup, ...(affinity && { affinity }) },
});

/** A plan with something of each kind. */
export const SMALL: readonly Operation[] = [
  { type: "set-node", locator: LOCATORS[0]! },
  tunnel(1),
  tunnel(2, 1),
  { type: "set-next-hop", index: 3, nextHop: { kind: "local" }, state: "up" },
  instance(4),
  slotsOf(1, 1, 1, 2),
  slotsOf(2, 3),
  slotsOf(3, 4),
  capability(1, 1),
  capability(2, 2, 3),
  capability(3, 0),
  { type: "set-next-hop-state", index: 2, state: "draining" },
  { type: "set-slots", group: 1, slots: [{ slot: 5, current: 2, previous: 1 }], backup: 2 },
];

export interface Hostile {
  readonly name: string;
  readonly message: OperationMessage;
  /** Removing what is not there has a code of its own. */
  readonly isAbsent?: true;
}

const slot = (...owners: readonly SlotOwner[]): Operation => ({
  type: "set-slots",
  group: 1,
  slots: owners,
  backup: 0,
});

/** What has to be refused, given {@link SMALL}. */
export const HOSTILE: readonly Hostile[] = [
  ...(
    [
      ["the state of a next hop that is not there", { type: "set-next-hop-state", index: 50, state: "up" }],
      ["removing a next hop that a group names", { type: "remove-next-hop", index: 1 }],
      ["another meaning of a living next hop", { ...instance(1) }],
      ["next hop 0", { ...tunnel(0) }],
      ["an owner that is not there", slotsOf(1, 50)],
      ["a backup that is not there", slotsOf(1, 1, 1, 50)],
      ["a former owner that is not there", slotsOf(1, 1, 50)],
      ["slot 64", slot({ slot: 64, current: 1, previous: 1 })],
      ["a slot twice", slot({ slot: 3, current: 1, previous: 1 }, { slot: 3, current: 2, previous: 2 })],
      ["group 0", slotsOf(0, 1)],
      ["removing a group that a capability names", { type: "remove-group", group: 1 }],
      ["a group that is not there", capability(9, 50)],
      ["a local group that is not there", capability(9, 1, 50)],
      [
        "a capability outside the domain",
        { type: "set-capability", entry: { address: LOCATORS[0]!, group: 1, localGroup: 0 } },
      ],
    ] as [string, Operation][]
  ).map(([name, operation]) => ({ name, message: toMessage(operation) })),
  ...(
    [
      ["removing a next hop that is not there", { type: "remove-next-hop", index: 50 }],
      ["removing a group that is not there", { type: "remove-group", group: 50 }],
      ["removing a capability that is not there", { type: "remove-capability", address: capabilityAt(9) }],
      ["removing a node that is not there", { type: "remove-node", locator: LOCATORS[2]! }],
    ] as [string, Operation][]
  ).map(([name, operation]) => ({ name, message: toMessage(operation), isAbsent: true as const })),
  { name: "an operation of no kind", message: {} },
  { name: "an address of 15 octets", message: { remove_capability: new Uint8Array(15) } },
  { name: "a next hop without a target", message: { set_next_hop: { index: 60, state: 1 } } },
  { name: "a state that does not exist", message: { set_next_hop: { index: 60, state: 9, local: true } } },
  {
    name: "slots and owners of different number",
    message: { set_slots: { group: 1, backup: 0, slot: [1, 2], current: [1], previous: [1] } },
  },
];

const PREFIXES = ["fd5e:0:0:1::/64", "fd5e:0:0:1:8001::/80", "fd5e:0:0:1:8000::/79"].map(
  (text) => parseIpv6Prefix(text)!,
);

/** Operations on few objects, so that about half of them are allowed. */
export function randomOperation(random: Pick<Random, "next">, options: { readonly aggregates: boolean }): Operation {
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const index = 1 + below(6);
  const group = 1 + below(4);
  switch (below(options.aggregates ? 13 : 11)) {
    case 0:
      return below(2) === 0 ? tunnel(index, below(3)) : instance(index);
    case 1:
      return { type: "set-next-hop-state", index, state: (["up", "down", "draining"] as const)[below(3)]! };
    case 2:
      return { type: "remove-next-hop", index };
    case 3:
    case 4: {
      const slots = Array.from({ length: below(8) }, (_, i) => ({
        slot: i * 8,
        current: below(7),
        previous: below(7),
      }));
      return { type: "set-slots", group, slots, backup: below(7) };
    }
    case 5:
      return { type: "remove-group", group };
    case 6:
      return capability(
        below(5),
        below(5),
        below(5),
        ([undefined, "address", "none", "connection"] as const)[below(4)],
      );
    case 7:
      return { type: "remove-capability", address: capabilityAt(below(5)) };
    case 8:
    case 9: {
      const policy = FIRST_CAPABILITY_POLICY - 1 + below(3);
      if (below(2) === 0) return { type: "remove-policy", index: policy };
      const terms = {
        use: below(4) === 0 ? "tenant" : "capabilities",
        tenantIndex: 1,
        counted: below(2) === 0,
        allowed: [],
      } as const;
      return { type: "set-policy", index: policy, policy: terms };
    }
    case 11:
      return { type: "remove-aggregate", prefix: PREFIXES[below(3)]! };
    case 12:
      return aggregate(PREFIXES[below(3)]!, below(5));
    default:
      return { type: below(2) === 0 ? "set-node" : "remove-node", locator: LOCATORS[below(3)]! };
  }
}
