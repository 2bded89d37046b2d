import { parseIpv6Prefix } from "../../../src/base/index.ts";
import {
  type DataplaneOptions,
  type MemoryDataplane,
  type MemoryDataplaneDependencies,
  startMemoryDataplane,
} from "../../../src/dataplane/index.ts";
import type { Operation, SlotOwner } from "../../../src/forwarding/index.ts";
import { address } from "./frames.ts";

export const CLIENT = address("2001:db8:c::1");
export const OWN_LOCATOR = address("2001:db8:f::1");
export const OTHER_LOCATOR = address("2001:db8:f::2");
export const AGENT = address("2001:db8:a::7");
export const CAPABILITY = address("fd5e:0:0:1:8001:1234:5678:0");
export const SECOND_CAPABILITY = address("fd5e:0:0:1:8001:9999:9999:0");

export const OPTIONS: DataplaneOptions = {
  domain: parseIpv6Prefix("fd5e::/48")!,
  locator: OWN_LOCATOR,
  ports: [
    { interface: "core0", role: "core", tenantIndex: 0, hook: "auto" },
    { interface: "client0", role: "client", tenantIndex: 1, hook: "auto" },
    { interface: "agent0", role: "agent", tenantIndex: 1, hook: "auto" },
  ],
  pinDirectory: "/sys/fs/bpf/semrd",
  hashSeed: 7,
  tunnelMtu: 1500,
  maxCapabilities: 1000,
};

export const SILENT = { error() {}, warn() {}, info() {}, debug() {} };

/** Every slot owned by `current`. */
export function allSlots(current: number, previous = current): SlotOwner[] {
  return Array.from({ length: 64 }, (_, slot) => ({ slot, current, previous }));
}

export const TUNNEL: Operation = {
  type: "set-next-hop",
  index: 1,
  nextHop: { kind: "tunnel", locator: OTHER_LOCATOR },
  state: "up",
};
export const LOCAL: Operation = { type: "set-next-hop", index: 2, nextHop: { kind: "local" }, state: "up" };
export const INSTANCE: Operation = {
  type: "set-next-hop",
  index: 3,
  nextHop: {
    kind: "instance",
    instance: "0123456789abcdef",
    address: AGENT,
    port: 8080,
    protocol: "tcp",
    servicePort: 80,
  },
  state: "up",
};

/** Group 1 leads to the other router, group 2 to this one, group 3 holds the instance. */
export const GROUPS: readonly Operation[] = [
  { type: "set-slots", group: 1, slots: allSlots(1), backup: 0 },
  { type: "set-slots", group: 2, slots: allSlots(2), backup: 0 },
  { type: "set-slots", group: 3, slots: allSlots(3), backup: 0 },
];

export function started(
  operations: readonly Operation[],
  options: Partial<DataplaneOptions> = {},
  dependencies: Partial<MemoryDataplaneDependencies> = {},
): MemoryDataplane {
  const dataplane = startMemoryDataplane({ ...OPTIONS, ...options }, { log: SILENT, ...dependencies });
  dataplane.apply(operations, 1);
  return dataplane;
}
