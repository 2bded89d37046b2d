import type { BpfMap, BpfObject, BpfProgram } from "../../../native/index.ts";
import { loadNative } from "../../../native/index.ts";
import { parseIpv6, parseIpv6Prefix } from "../../../src/base/index.ts";
import { PORT, PORT_FLAG, ROLE } from "../../../src/dataplane/abi.ts";
import { type DataplaneOptions, type KernelDataplane, startKernelDataplane } from "../../../src/dataplane/index.ts";
import {
  CapabilityBatch,
  type Encapsulation,
  GROUP_SLOTS,
  type Operation,
  type SlotOwner,
} from "../../../src/forwarding/index.ts";
import { threadMilliseconds } from "../thread-time.ts";
import { NETWORK } from "./network.ts";
import { PASS_PATH, PIN_ROOT } from "./places.ts";

export const DOMAIN = parseIpv6Prefix("fd5e:3d00:1::/48")!;
export const LOCATOR = parseIpv6("2001:db8:b0::1")!;
export const SOURCE = parseIpv6("2001:db8:c::")!;
export const TENANT = 1;
export const HASH_SEED = 1;
export const TUNNELS = 256;
const MOST_GROUPS = 1000;
const CHUNK = 10_000;

const QUIET = { error() {}, warn() {}, info() {}, debug() {} };

function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The address that `draw.h` writes for capability number `index`. */
export function capabilityAddress(index: number): Uint8Array {
  const address = DOMAIN.address.slice();
  const view = new DataView(address.buffer);
  view.setUint16(6, TENANT);
  view.setUint32(8, mix(index), true);
  view.setUint16(12, mix(index ^ 0x5bd1e995) & 0xffff, true);
  return address;
}

/** Odd ones are behind the second link, even ones behind the first. */
export function tunnelLocator(index: number): Uint8Array {
  return parseIpv6(`2001:db8:b${1 + (index & 1)}:${index.toString(16)}::1`)!;
}

function slotsOfGroup(group: number, tunnels: number): SlotOwner[] {
  return Array.from({ length: GROUP_SLOTS }, (_, slot) => {
    const current = 1 + (mix(group * GROUP_SLOTS + slot) % tunnels);
    return { slot, current, previous: current };
  });
}

/** By name; the last digits of a locator say behind which link it is. */
export const WRAPPINGS = {
  "one waypoint": (index: number): Encapsulation => ({ kind: "segments", waypoints: [tunnelLocator(0x1000 + index)] }),
  "three waypoints": (index: number): Encapsulation => ({
    kind: "segments",
    waypoints: [0x1000, 0x1002, 0x1004].map((first) => tunnelLocator(first + index)),
  }),
  VXLAN: (_index: number): Encapsulation => ({
    ...{ kind: "vxlan", vni: 7 },
    ...{ destination: Uint8Array.of(2, 0, 0, 0, 0, 9), source: Uint8Array.of(2, 0, 0, 0, 0, 8) },
  }),
} as const;

export interface PlanSize {
  readonly capabilities: number;
  readonly tunnels?: number;
  readonly groups?: number;
  /** Of all tunnels; else IPv6-in-IPv6. */
  readonly wrapping?: keyof typeof WRAPPINGS;
}

/** Next hops and groups of a plan; capability `i` goes to group 1 + i mod groups. */
export function hopsAndGroups({
  capabilities,
  tunnels = TUNNELS,
  groups = MOST_GROUPS,
  wrapping,
}: PlanSize): Operation[] {
  return [
    ...Array.from({ length: tunnels }, (_, at): Operation => {
      const index = at + 1;
      const wrapped = wrapping === undefined ? {} : { encapsulation: WRAPPINGS[wrapping](index) };
      const nextHop = { kind: "tunnel", locator: tunnelLocator(index), ...wrapped } as const;
      return { type: "set-next-hop", index, nextHop, state: "up" };
    }),
    ...Array.from({ length: Math.min(groups, capabilities) }, (_, at): Operation => {
      const group = at + 1;
      return { type: "set-slots", group, slots: slotsOfGroup(group, tunnels), backup: Math.min(2, tunnels) };
    }),
  ];
}

export function setCapability(index: number, groups: number, shift = 0): Operation {
  const entry = { address: capabilityAddress(index), group: 1 + ((index + shift) % groups), localGroup: 0 };
  return { type: "set-capability", entry };
}

/** What this thread had of a processor meanwhile: under load more telling than the time that went by. */
export function threadMicroseconds(work: () => void): number {
  const before = threadMilliseconds();
  work();
  return 1000 * (threadMilliseconds() - before);
}

/** Milliseconds of each chunk of CHUNK capabilities inside `apply`; making the operations is not counted. */
export function fillCapabilities(
  dataplane: KernelDataplane,
  { capabilities, groups = MOST_GROUPS }: PlanSize,
): number[] {
  const times: number[] = [];
  const used = Math.min(groups, capabilities);
  for (let first = 0; first < capabilities; first += CHUNK) {
    const length = Math.min(CHUNK, capabilities - first);
    const operations = Array.from({ length }, (_, at) => setCapability(first + at, used));
    times.push(threadMicroseconds(() => dataplane.apply(operations, 1)) / 1000);
  }
  return times;
}

/** As the compiler hands over when it does not know yet how quick its sink is: a few, and then a third more each time. */
const FIRST_BATCH = 80;
const GROWTH = 4 / 3;
/** A slice of its work has hardly ever more. */
export const MOST_A_TURN = 4096;

/** Milliseconds of each batch inside `fill`; making the batches is not counted. */
export function fillInBatches(dataplane: KernelDataplane, { capabilities, groups = MOST_GROUPS }: PlanSize): number[] {
  const times: number[] = [];
  const used = Math.min(groups, capabilities);
  const batch = new CapabilityBatch(MOST_A_TURN);
  let most = FIRST_BATCH;
  for (let index = 0; index < capabilities; most *= GROWTH) {
    for (batch.clear(); index < capabilities && !batch.isFull && batch.length < most; index++)
      batch.push(capabilityAddress(index), 1 + (index % used), 0);
    times.push(threadMicroseconds(() => dataplane.fill!(batch, 1)) / 1000);
  }
  return times;
}

/** The product's kernel data plane with empty tables, on no port. */
export function startDataplane(
  name: string,
  maxCapabilities: number,
  options: Partial<DataplaneOptions> = {},
  objectPath = PASS_PATH,
): Promise<KernelDataplane> {
  return startKernelDataplane(
    {
      domain: DOMAIN,
      locator: LOCATOR,
      ports: [],
      pinDirectory: `${PIN_ROOT}/${name}`,
      hashSeed: HASH_SEED,
      tunnelMtu: 1500,
      maxCapabilities,
      ...options,
    },
    { native: loadNative(), log: QUIET, objectPath },
  );
}

export async function startFilled(name: string, size: PlanSize, objectPath = PASS_PATH): Promise<KernelDataplane> {
  const dataplane = await startDataplane(name, size.capabilities, {}, objectPath);
  dataplane.apply(hopsAndGroups(size), 1);
  fillCapabilities(dataplane, size);
  return dataplane;
}

/** Makes `ifindex` a client port. `itself`: XDP sends out of the links, as the driver lets it where both ports are hardware. */
export function setClientPort(ports: BpfMap, ifindex: number, sends: "itself" | "by the stack"): void {
  const octets = ports.mmap();
  // Where the pass is run without them, its packets end with the stack.
  const links = NETWORK.links.flatMap((name) => loadNative().sock.interfaceIndex(name) ?? []);
  for (const link of links)
    new DataView(octets.buffer, octets.byteOffset + link * PORT.size).setUint16(
      PORT.offsets.flags,
      PORT_FLAG.direct,
      true,
    );
  const view = new DataView(octets.buffer, octets.byteOffset + ifindex * PORT.size, PORT.size);
  view.setUint16(PORT.offsets.role, ROLE.client, true);
  view.setUint16(PORT.offsets.flags, sends === "itself" ? PORT_FLAG.direct : 0, true);
  view.setUint16(PORT.offsets.tenant, TENANT);
}

/** Makes `ifindex` a core port. */
export function setCorePort(ports: BpfMap, ifindex: number): void {
  const octets = ports.mmap();
  const view = new DataView(octets.buffer, octets.byteOffset + ifindex * PORT.size, PORT.size);
  view.setUint16(PORT.offsets.role, ROLE.core, true);
}

export function mapOf(object: BpfObject, name: string): BpfMap {
  const map = object.maps.get(name);
  if (map === undefined) throw new Error(`the object has no map ${name}`);
  return map;
}

export function programOf(object: BpfObject, name: string): BpfProgram {
  const program = object.programs.get(name);
  if (program === undefined) throw new Error(`the object has no program ${name}`);
  return program;
}
