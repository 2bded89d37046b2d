import { type CapabilityId, type CapabilityName, type Ipv4Prefix, ipv4HostRoom, toHex } from "../base/index.ts";

type Capabilities = ReadonlyMap<{ readonly name: CapabilityName; readonly majorVersion: number }, CapabilityId>;

interface Ordered {
  readonly name: CapabilityName;
  readonly majorVersion: number;
  readonly id: CapabilityId;
  readonly hex: string;
}

/**
 * Which capability has which address of a pool: a function of the pool and the capabilities alone, so that it is the same on
 * every router and after every restart. Each begins at the place of its hash and takes the next that is free, in the order of
 * their IDs; so one that comes moves another only where their places meet. What finds no room has none. A step for each, as there may be
 * a hundred thousand.
 */
export function* assigningIpv4(
  pool: Ipv4Prefix,
  capabilities: Capabilities,
): Generator<void, ReadonlyMap<string, number>> {
  const room = ipv4HostRoom(pool);
  const ordered = yield* inOrder(capabilities);
  const taken = new Set<number>();
  const assigned = new Map<string, number>();
  for (const { name, majorVersion, id } of ordered.slice(0, room)) {
    yield;
    let place = new DataView(id.buffer, id.byteOffset).getUint32(0) % room;
    while (taken.has(place)) place = (place + 1) % room;
    taken.add(place);
    assigned.set(`${name} ${majorVersion}`, pool.address + 1 + place);
  }
  return assigned;
}

/** By their IDs: those with the same first octets are sorted at a step, and of hashes these are few. */
function* inOrder(capabilities: Capabilities): Generator<void, readonly Ordered[]> {
  const beginnings: Ordered[][] = Array.from({ length: 1 << 12 }, () => []);
  for (const [{ name, majorVersion }, id] of capabilities) {
    yield;
    beginnings[(id[0]! << 4) | (id[1]! >> 4)]!.push({ name, majorVersion, id, hex: toHex(id) });
  }
  const ordered: Ordered[] = [];
  for (const alike of beginnings) {
    yield;
    for (const each of alike.sort((a, b) => (a.hex < b.hex ? -1 : 1))) ordered.push(each);
  }
  return ordered;
}
