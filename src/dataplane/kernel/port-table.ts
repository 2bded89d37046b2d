import { PORT, PORT_FLAG, ROLE } from "../abi.ts";
import type { PortOptions } from "../driver.ts";

export interface PortEntry {
  readonly role: PortOptions["role"];
  readonly tenantIndex: number;
  readonly direct: boolean;
  readonly partial: boolean;
  /** tc hands packets to the other end of this veth. */
  readonly peer?: boolean;
  /** Sources are looked up. */
  readonly sources?: boolean;
  /** The MSS of SYNs through tunnels is lowered. */
  readonly clamp?: boolean;
  /** Frames with VLAN tags are taken as if they had none. */
  readonly vlans?: boolean;
  /** Of the tenant; 0, or absent: none. */
  readonly policy?: number;
}

/** The mmapped `ports`, by interface index. An entry is one store; a port without one lets everything pass. */
export class PortTable {
  readonly #words: BigUint64Array;

  constructor(octets: Uint8Array) {
    this.#words = new BigUint64Array(octets.buffer, octets.byteOffset, octets.length / PORT.size);
  }

  get limit(): number {
    return this.#words.length;
  }

  set(
    ifindex: number,
    {
      role,
      tenantIndex,
      direct,
      partial,
      peer = false,
      sources = false,
      clamp = false,
      vlans = false,
      policy = 0,
    }: PortEntry,
  ): void {
    const octets = new Uint8Array(PORT.size);
    const view = new DataView(octets.buffer);
    view.setUint16(PORT.offsets.role, ROLE[role], true);
    const flags =
      (direct ? PORT_FLAG.direct : 0) |
      (partial ? PORT_FLAG.partial : 0) |
      (peer ? PORT_FLAG.peer : 0) |
      (sources ? PORT_FLAG.sources : 0) |
      (clamp ? PORT_FLAG.clamp : 0) |
      (vlans ? PORT_FLAG.vlans : 0);
    view.setUint16(PORT.offsets.flags, flags, true);
    view.setUint16(PORT.offsets.tenant, tenantIndex); // as it lies in an address
    view.setUint16(PORT.offsets.policy, policy, true);
    Atomics.store(this.#words, ifindex, view.getBigUint64(0, true));
  }

  clear(ifindex: number): void {
    Atomics.store(this.#words, ifindex, 0n);
  }

  *indexes(): Generator<number> {
    for (const [ifindex, word] of this.#words.entries()) if (word !== 0n) yield ifindex;
  }
}
