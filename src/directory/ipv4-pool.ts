import { type CapabilityId, type CapabilityName, type Ipv4Prefix, ipv4HostRoom, toHex } from "../base/index.ts";

/**
 * Which capability has which address of a pool: a function of the pool and the capabilities alone, so that it is the same on
 * every router and after every restart. Each begins at the place of its hash and takes the next that is free, in the order of
 * their IDs; so one that comes moves another only where their places meet. What finds no room has none.
 */
export function assignIpv4(
  pool: Ipv4Prefix,
  capabilities: ReadonlyMap<{ readonly name: CapabilityName; readonly majorVersion: number }, CapabilityId>,
): ReadonlyMap<string, number> {
  const room = ipv4HostRoom(pool);
  const ordered = Array.from(capabilities, ([{ name, majorVersion }, id]) => {
    return { name, majorVersion, id, hex: toHex(id) };
  }).sort((a, b) => (a.hex < b.hex ? -1 : 1));
  const taken = new Set<number>();
  const assigned = new Map<string, number>();
  for (const { name, majorVersion, id } of ordered.slice(0, room)) {
    let place = new DataView(id.buffer, id.byteOffset).getUint32(0) % room;
    while (taken.has(place)) place = (place + 1) % room;
    taken.add(place);
    assigned.set(`${name} ${majorVersion}`, pool.address + 1 + place);
  }
  return assigned;
}
