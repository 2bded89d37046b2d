import type { Ipv6Address } from "../base/index.ts";
import { AFFINITIES, type Affinity, type CapabilityEntry, type Operation } from "./plan.ts";

/** Most entries of a batch: more than a slice of work comes to, so that none has to go as an operation. */
export const MOST_IN_BATCH = 8192;

const ADDRESS_LENGTH = 16;

/** Many set-capability at once, in columns: what fills a table when a router starts, without an object for each entry. */
export class CapabilityBatch {
  /** 16 octets each. */
  readonly addresses: Uint8Array;
  /** The same as 32-bit words of this machine, four each. */
  readonly addressWords: Int32Array;
  readonly groups: Uint16Array;
  readonly localGroups: Uint16Array;
  /** 0: none. */
  readonly policies: Uint32Array;
  readonly affinities: Uint8Array;
  #length = 0;

  constructor(capacity = MOST_IN_BATCH) {
    this.addresses = new Uint8Array(ADDRESS_LENGTH * capacity);
    this.addressWords = new Int32Array(this.addresses.buffer);
    this.groups = new Uint16Array(capacity);
    this.localGroups = new Uint16Array(capacity);
    this.policies = new Uint32Array(capacity);
    this.affinities = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length === this.groups.length;
  }

  /** Copies the address. @throws {RangeError} it is full */
  push(address: Ipv6Address, group: number, localGroup: number, policy = 0, affinity?: Affinity): void {
    this.addresses.set(address, this.add(group, localGroup, policy, AFFINITIES.indexOf(affinity)));
  }

  /**
   * One more, whose address is still to be written: answers where in `addresses`. `affinity` is a number of {@link AFFINITIES}.
   * @throws {RangeError} it is full
   */
  add(group: number, localGroup: number, policy: number, affinity: number): number {
    if (this.isFull) throw new RangeError(`a batch of ${this.#length} capabilities is full`);
    const at = this.#length++;
    this.groups[at] = group;
    this.localGroups[at] = localGroup;
    this.policies[at] = policy;
    this.affinities[at] = affinity;
    return ADDRESS_LENGTH * at;
  }

  clear(): void {
    this.#length = 0;
  }

  affinity(at: number): Affinity | undefined {
    return AFFINITIES[this.affinities[at]!];
  }

  /** With an address of its own. */
  entry(at: number): CapabilityEntry {
    const [policy, affinity] = [this.policies[at]!, this.affinity(at)];
    return {
      address: this.addresses.slice(ADDRESS_LENGTH * at, ADDRESS_LENGTH * (at + 1)),
      ...{ group: this.groups[at]!, localGroup: this.localGroups[at]! },
      ...(policy === 0 ? {} : { policy }),
      ...(affinity === undefined ? {} : { affinity }),
    };
  }

  /** The same one by one, for a data plane that takes no batches. */
  operations(): Operation[] {
    return Array.from({ length: this.#length }, (_, at) => ({ type: "set-capability", entry: this.entry(at) }));
  }
}
