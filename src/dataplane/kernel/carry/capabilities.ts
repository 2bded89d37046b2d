import type { Ipv6Prefix } from "../../../base/index.ts";
import { CAPABILITY, CAPABILITY_LINE, CAPABILITY_LINE_SLOTS, KEY_EMPTY, KEY_TOMBSTONE } from "../../abi.ts";
import { AFFINITIES, CapabilityTable, type FillCapabilities } from "../capability-table.ts";
import type { Carried, Pair } from "./arrays.ts";

/** Lines of the table in a step. */
const IN_A_STEP = 256;
const DOMAIN_OCTETS = 6;

/** Each entry finds its place anew: with another number of lines it is another one. */
export function* carryCapabilities({ from, to, value }: Pair, domain: Ipv6Prefix, fill: FillCapabilities): Carried {
  yield Promise.all([from.mapped(), to.mapped()]);
  const table = new CapabilityTable(to.mmap(), fill);
  const source = from.mmap();
  const size = (from.info.valueSize + 7) & ~7;
  const line = new Uint8Array(CAPABILITY_LINE.size);
  const address = domain.address.slice();
  for (let number = 0; number < from.info.maxEntries; number++) {
    if (number % IN_A_STEP === 0) yield;
    line.fill(0);
    value(source, number * size, line, 0);
    for (let slot = 0; slot < CAPABILITY_LINE_SLOTS; slot++) {
      const entry = new DataView(line.buffer, slot * CAPABILITY.size, CAPABILITY.size);
      const key = entry.getBigUint64(CAPABILITY.offsets.key, true);
      if (key === KEY_EMPTY || key === KEY_TOMBSTONE) continue;
      const whole = new DataView(address.buffer, address.byteOffset);
      whole.setBigUint64(DOMAIN_OCTETS, key, true);
      whole.setUint16(14, entry.getUint16(CAPABILITY.offsets.selector));
      const affinity = AFFINITIES.get(entry.getUint8(CAPABILITY.offsets.flags));
      const groups = {
        ...{ group: entry.getUint32(CAPABILITY.offsets.group, true) },
        ...{ localGroup: entry.getUint32(CAPABILITY.offsets.local_group, true) },
        ...{ policy: entry.getUint32(CAPABILITY.offsets.policy, true) },
        ...(affinity === undefined ? {} : { affinity }),
      };
      if (!table.set(address, groups)) return `its ${to.info.maxEntries} lines have no place for all entries`;
    }
  }
  return undefined;
}
