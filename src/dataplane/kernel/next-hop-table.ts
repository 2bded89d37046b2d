import type { Ipv6Address } from "../../base/index.ts";
import type { Encapsulation, NextHop, NextHopIndex, NextHopState } from "../../forwarding/index.ts";
import { KIND, NEXT_HOP, STATE } from "../abi.ts";
import type { IndexesInUse } from "./counter-rows.ts";
import type { EncapsulationTable } from "./encapsulation-table.ts";
import { Grace } from "./grace.ts";
import { TunnelIndex } from "./tunnel-index.ts";

const PROTOCOL = { tcp: 6, udp: 17 } as const;
const STATES = Object.entries(STATE) as readonly (readonly [NextHopState, number])[];
const INSTANCE_LENGTH = NEXT_HOP.size - NEXT_HOP.offsets.instance;

/** Of taking over. */
const PLACES_IN_A_STEP = 256;

/** The mmapped `next_hops`. One writer. */
export class NextHopTable implements IndexesInUse {
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  readonly #words: Int32Array;
  readonly #grace = new Grace();
  readonly #entries: number;

  readonly #encapsulations: EncapsulationTable;
  readonly #tunnels = new TunnelIndex();
  #size = 0;

  /** Borrows `octets`, in which no next hop is: else {@link takeOver} is to be walked to its end first. */
  constructor(octets: Uint8Array, encapsulations: EncapsulationTable) {
    this.#encapsulations = encapsulations;
    this.#octets = octets;
    this.#view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    this.#words = new Int32Array(octets.buffer, octets.byteOffset, octets.length / 4);
    this.#entries = octets.length / NEXT_HOP.size;
  }

  /** Notes the next hops that an earlier process has left, a step for some places of the table. */
  *takeOver(): Generator<void> {
    for (let index = 1; index < this.#entries; index++) {
      if (index % PLACES_IN_A_STEP === 0) yield;
      if (!this.has(index)) continue;
      this.#encapsulations.claim(this.#words[this.#encapsulationWord(index)]!);
      this.#count(index, 1);
    }
  }

  /** Those in use. */
  get size(): number {
    return this.#size;
  }

  /** The tunnel to a router; the first of several. */
  tunnelTo(locator: Ipv6Address): NextHopIndex | undefined {
    return this.#tunnels.find(locator);
  }

  tunnels(): Iterable<NextHopIndex> {
    return this.#tunnels.all();
  }

  /** Counts one that is in the table in or out. */
  #count(index: NextHopIndex, by: 1 | -1): void {
    this.#size += by;
    if (this.#words[this.#kindWord(index)] !== KIND.tunnel) return;
    const at = index * NEXT_HOP.size + NEXT_HOP.offsets.address;
    const locator = this.#octets.subarray(at, at + 16);
    if (by === 1) this.#tunnels.add(locator, index);
    else this.#tunnels.delete(locator, index);
  }

  get(index: NextHopIndex): NextHop | undefined {
    if (index <= 0 || index >= this.#entries) return undefined;
    const at = index * NEXT_HOP.size;
    const { offsets } = NEXT_HOP;
    const address = (): Uint8Array => this.#octets.slice(at + offsets.address, at + offsets.address + 16);
    switch (this.#view.getUint32(at + offsets.kind, true)) {
      case KIND.tunnel:
        return tunnelTo(address(), this.#encapsulations.get(this.#words[this.#encapsulationWord(index)]!));
      case KIND.local:
        return { kind: "local" };
      case KIND.instance:
        return {
          kind: "instance",
          instance: this.#instanceAt(at),
          address: address(),
          port: this.#view.getUint16(at + offsets.port),
          servicePort: this.#view.getUint16(at + offsets.service_port),
          protocol: this.#octets[at + offsets.protocol] === PROTOCOL.udp ? "udp" : "tcp",
        };
      default:
        return undefined;
    }
  }

  has(index: NextHopIndex): boolean {
    return index > 0 && index < this.#entries && this.#words[this.#kindWord(index)] !== 0;
  }

  state(index: NextHopIndex): NextHopState {
    const value = this.#words[this.#stateWord(index)];
    return STATES.find(([, number]) => number === value)?.[0] ?? "down";
  }

  /** How often the index was taken into use. */
  generation(index: NextHopIndex): number {
    return this.#view.getUint32(index * NEXT_HOP.size + NEXT_HOP.offsets.generation, true);
  }

  /** The index must be free. A flow that remembers what it meant before does not follow it: the generation is another. */
  add(index: NextHopIndex, nextHop: NextHop, state: NextHopState): void {
    this.#grace.settle(index);
    const at = index * NEXT_HOP.size;
    const { offsets } = NEXT_HOP;
    this.setState(index, "down");
    this.#octets.fill(0, at + offsets.address, at + offsets.generation);
    this.#octets.fill(0, at + offsets.instance, at + NEXT_HOP.size);
    if (nextHop.kind === "tunnel") this.#octets.set(nextHop.locator, at + offsets.address);
    this.#words[this.#encapsulationWord(index)] =
      nextHop.kind === "tunnel" && nextHop.encapsulation !== undefined
        ? this.#encapsulations.add(nextHop.encapsulation, nextHop.locator)
        : 0;
    if (nextHop.kind === "instance") {
      this.#octets.set(nextHop.address, at + offsets.address);
      this.#view.setUint16(at + offsets.port, nextHop.port);
      this.#view.setUint16(at + offsets.service_port, nextHop.servicePort);
      this.#octets[at + offsets.protocol] = PROTOCOL[nextHop.protocol];
      this.#octets.set(Buffer.from(nextHop.instance, "latin1"), at + offsets.instance);
    }
    const generation = (at + offsets.generation) / 4;
    Atomics.store(this.#words, generation, (this.#words[generation]! + 1) | 0);
    Atomics.store(this.#words, (at + offsets.kind) / 4, KIND[nextHop.kind]);
    this.#count(index, 1);
    this.setState(index, state);
  }

  /** One store. */
  setState(index: NextHopIndex, state: NextHopState): void {
    Atomics.store(this.#words, this.#stateWord(index), STATE[state]);
  }

  /** Of a tunnel. One store, after what it names has been written. */
  setEncapsulation(index: NextHopIndex, encapsulation: Encapsulation | undefined): void {
    const word = this.#encapsulationWord(index);
    const before = this.#words[word]!;
    const nextHop = this.get(index);
    if (nextHop?.kind !== "tunnel") throw new RangeError(`next hop ${index} is no tunnel`);
    Atomics.store(
      this.#words,
      word,
      encapsulation === undefined ? 0 : this.#encapsulations.add(encapsulation, nextHop.locator),
    );
    this.#encapsulations.release(before);
  }

  delete(index: NextHopIndex): void {
    this.setState(index, "down");
    this.#count(index, -1);
    Atomics.store(this.#words, this.#kindWord(index), 0);
    this.#encapsulations.release(this.#words[this.#encapsulationWord(index)]!);
    this.#grace.retire(index);
  }

  *[Symbol.iterator](): Generator<NextHopIndex> {
    for (let index = 1; index < this.#entries; index++) if (this.has(index)) yield index;
  }

  #kindWord(index: NextHopIndex): number {
    return (index * NEXT_HOP.size + NEXT_HOP.offsets.kind) / 4;
  }

  #stateWord(index: NextHopIndex): number {
    return (index * NEXT_HOP.size + NEXT_HOP.offsets.state) / 4;
  }

  #encapsulationWord(index: NextHopIndex): number {
    return (index * NEXT_HOP.size + NEXT_HOP.offsets.encapsulation) / 4;
  }

  #instanceAt(at: number): string {
    const octets = this.#octets.subarray(
      at + NEXT_HOP.offsets.instance,
      at + NEXT_HOP.offsets.instance + INSTANCE_LENGTH,
    );
    const end = octets.indexOf(0);
    return Buffer.from(end < 0 ? octets : octets.subarray(0, end)).toString("latin1");
  }
}

function tunnelTo(locator: Ipv6Address, encapsulation: Encapsulation | undefined): NextHop {
  return { kind: "tunnel", locator, ...(encapsulation === undefined ? {} : { encapsulation }) };
}
