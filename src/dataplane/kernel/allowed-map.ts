import type { BpfMap } from "../../../native/index.ts";
import type { PolicyIndex } from "../../forwarding/index.ts";
import { ALLOWED, ALLOWED_KEY } from "../abi.ts";
import type { AllowedStore } from "./policy-table.ts";

const PRESENT = new Uint8Array(ALLOWED.size);

/** The hash `allowed` as a set of pairs: one system call for each that comes or goes. */
export class AllowedMap implements AllowedStore {
  readonly #map: BpfMap;
  readonly #key = new Uint8Array(ALLOWED_KEY.size);
  readonly #view = new DataView(this.#key.buffer);

  constructor(map: BpfMap) {
    this.#map = map;
  }

  add(policy: PolicyIndex, tenantIndex: number): void {
    this.#map.update(this.#keyOf(policy, tenantIndex), PRESENT);
  }

  delete(policy: PolicyIndex, tenantIndex: number): void {
    this.#map.delete(this.#keyOf(policy, tenantIndex));
  }

  *all(): Generator<readonly [PolicyIndex, number]> {
    for (let key = this.#map.nextKey(); key !== undefined; key = this.#map.nextKey(key)) {
      const view = new DataView(key.buffer, key.byteOffset, key.length);
      yield [view.getUint32(ALLOWED_KEY.offsets.policy, true), view.getUint16(ALLOWED_KEY.offsets.tenant)];
    }
  }

  #keyOf(policy: PolicyIndex, tenantIndex: number): Uint8Array {
    this.#view.setUint32(ALLOWED_KEY.offsets.policy, policy, true);
    this.#view.setUint16(ALLOWED_KEY.offsets.tenant, tenantIndex);
    return this.#key;
  }
}
