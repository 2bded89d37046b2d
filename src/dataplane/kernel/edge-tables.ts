import type { BpfMap } from "../../../native/index.ts";
import { fromHex, type Ipv4Prefix, ipv4PrefixSize, toHex } from "../../base/index.ts";
import { EDGE, POOL, POOL_KEY, POOL_KIND, POOL_SLOT } from "../abi.ts";
import type { EdgePlan } from "../edge-plan.ts";
import { ipv4Octets } from "../memory/edge/index.ts";

export interface EdgeMaps {
  readonly edge: BpfMap;
  readonly pools: BpfMap;
  readonly poolSlots: BpfMap;
  readonly poolAddresses: BpfMap;
  readonly guests: BpfMap;
}

/** A pool as the maps have it: where its addresses begin in `pool_slots`. */
interface PlacedPool {
  readonly prefix: Ipv4Prefix;
  readonly kind: keyof typeof POOL_KIND;
  readonly first: number;
  readonly tenantIndex: number;
}

/**
 * The tables of the programs at the edge. What was there before, also from an earlier process, goes; what stays is not touched,
 * so that a start with the same plan leaves no gap. Where a pool, the prefix or the guests are others, nothing is translated
 * while the tables change.
 */
export class EdgeTables {
  readonly #maps: EdgeMaps;
  /** Two words a place. */
  readonly #slots: BigUint64Array;
  readonly #octets: Uint8Array;
  readonly #on: Int32Array;
  /** What `pool_addresses` holds, both in hex. */
  readonly #addresses: Map<string, string>;

  constructor(maps: EdgeMaps) {
    const slots = maps.poolSlots.mmap();
    this.#maps = maps;
    this.#slots = new BigUint64Array(slots.buffer, slots.byteOffset, slots.length / 8);
    this.#octets = maps.edge.mmap().subarray(0, EDGE.size);
    const { buffer, byteOffset } = this.#octets;
    this.#on = new Int32Array(buffer, byteOffset + EDGE.offsets.on, 1);
    this.#addresses = new Map(
      keysOf(maps.poolAddresses).map((key) => [toHex(key), toHex(maps.poolAddresses.lookup(key)!)]),
    );
  }

  set(plan: EdgePlan | undefined): void {
    const placed = placePools(plan);
    const addresses = new Map<string, string>();
    const slots = new BigUint64Array(this.#slots.length);
    for (const [i, { prefix, capabilities }] of (plan?.pools ?? []).entries())
      for (const { address, capability } of capabilities) {
        const place = placed[i]!.first + address - prefix.address;
        addresses.set(toHex(capability), toHex(ipv4Octets(address)));
        slots.set(new BigUint64Array(capability.slice().buffer), place * WORDS);
      }
    const head = headOf(plan);
    const isOther = toHex(head) !== toHex(this.#head()) || this.#isMoved(placed);
    if (isOther) Atomics.store(this.#on, 0, 0);
    this.#writePools(placed);
    for (let at = 0; at < slots.length; at++) if (this.#slots[at] !== slots[at]) this.#slots[at] = slots[at]!;
    this.#writeAddresses(addresses);
    this.#forgetGuests(plan?.guests);
    if (isOther) this.#octets.set(head);
    Atomics.store(this.#on, 0, plan === undefined ? 0 : 1);
  }

  get translates(): boolean {
    return Atomics.load(this.#on, 0) !== 0;
  }

  /** What `edge` holds now but the switch. */
  #head(): Uint8Array {
    const head = this.#octets.slice();
    head.fill(0, EDGE.offsets.on, EDGE.offsets.on + 4);
    return head;
  }

  #isMoved(placed: readonly PlacedPool[]): boolean {
    const { pools } = this.#maps;
    const same = (pool: PlacedPool): boolean => {
      const there = pools.lookup(poolKey(pool.prefix));
      return there !== undefined && toHex(there) === toHex(poolValue(pool));
    };
    return !placed.every(same) || keysOf(pools).length !== placed.length;
  }

  #writePools(placed: readonly PlacedPool[]): void {
    const { pools } = this.#maps;
    const wanted = new Map(placed.map((pool) => [toHex(poolKey(pool.prefix)), poolValue(pool)]));
    for (const key of keysOf(pools)) if (!wanted.has(toHex(key))) pools.delete(key);
    for (const [key, value] of wanted) pools.update(fromHex(key), value);
  }

  #writeAddresses(wanted: ReadonlyMap<string, string>): void {
    const { poolAddresses } = this.#maps;
    for (const capability of this.#addresses.keys())
      if (!wanted.has(capability)) {
        poolAddresses.delete(fromHex(capability));
        this.#addresses.delete(capability);
      }
    for (const [capability, address] of wanted) {
      if (this.#addresses.get(capability) === address) continue;
      poolAddresses.update(fromHex(capability), fromHex(address));
      this.#addresses.set(capability, address);
    }
  }

  /** Clients keep their addresses as long as these are for guests. */
  #forgetGuests(guests: Ipv4Prefix | undefined): void {
    const { guests: map } = this.#maps;
    for (const key of keysOf(map)) {
      const address = new DataView(key.buffer, key.byteOffset).getUint32(0);
      const stays =
        guests !== undefined && address >= guests.address && address - guests.address < ipv4PrefixSize(guests);
      if (!stays) map.delete(key);
    }
  }
}

const WORDS = POOL_SLOT.size / 8;

/** The members of `edge` but the switch. */
function headOf(plan: EdgePlan | undefined): Uint8Array {
  const head = new Uint8Array(EDGE.size);
  const view = new DataView(head.buffer);
  if (plan !== undefined) head.set(plan.prefix, EDGE.offsets.prefix);
  view.setUint32(EDGE.offsets.on, 0, true);
  view.setUint32(EDGE.offsets.first_guest, plan?.guests?.address ?? 0, true);
  view.setUint32(EDGE.offsets.guests, plan?.guests === undefined ? 0 : ipv4PrefixSize(plan.guests), true);
  return head;
}

function placePools(plan: EdgePlan | undefined): PlacedPool[] {
  let first = 0;
  const placed: PlacedPool[] = [];
  for (const { prefix, tenantIndex } of plan?.pools ?? []) {
    placed.push({ prefix, kind: "capabilities", first, tenantIndex });
    first += ipv4PrefixSize(prefix);
  }
  if (plan?.guests !== undefined) placed.push({ prefix: plan.guests, kind: "guests", first: 0, tenantIndex: 0 });
  return placed;
}

function poolKey({ address, length }: Ipv4Prefix): Uint8Array {
  const key = new Uint8Array(POOL_KEY.size);
  new DataView(key.buffer).setUint32(POOL_KEY.offsets.prefix_length, length, true);
  key.set(ipv4Octets(address), POOL_KEY.offsets.address);
  return key;
}

function poolValue({ prefix, kind, first, tenantIndex }: PlacedPool): Uint8Array {
  const value = new Uint8Array(POOL.size);
  const view = new DataView(value.buffer);
  view.setUint32(POOL.offsets.kind, POOL_KIND[kind], true);
  view.setUint32(POOL.offsets.first, first, true);
  view.setUint32(POOL.offsets.base, prefix.address, true);
  view.setUint16(POOL.offsets.tenant, tenantIndex);
  return value;
}

function keysOf(map: BpfMap): Uint8Array[] {
  const keys: Uint8Array[] = [];
  for (let key = map.nextKey(); key !== undefined; key = map.nextKey(key)) keys.push(key);
  return keys;
}
