import { type CapabilityId, type CapabilityName, capabilityId } from "../base/index.ts";

/** As many as a large domain has, each of them for hundreds of tenants. */
const MOST = 8192;

/** Identifiers of the capabilities that were asked for last: a hash of SHA-256 costs as much as the rest of the work on one. */
export class CapabilityIds {
  /** By major version, then by name. */
  readonly #known = new Map<number, Map<CapabilityName, CapabilityId>>();
  #size = 0;

  of(name: CapabilityName, majorVersion: number): CapabilityId {
    const known = this.#known.get(majorVersion)?.get(name);
    if (known !== undefined) return known;
    if (this.#size === MOST) {
      this.#known.clear();
      this.#size = 0;
    }
    const id = capabilityId(name, majorVersion);
    const ofVersion = this.#known.get(majorVersion) ?? new Map<CapabilityName, CapabilityId>();
    this.#known.set(majorVersion, ofVersion.set(name, id));
    this.#size++;
    return id;
  }
}
