import {
  type CapabilityId,
  type CapabilityName,
  capabilityFamily,
  capabilityId,
  hashedFamilyCode,
  toHex,
} from "../../base/index.ts";

/** A capability with the numbers that stand for it. */
export interface KnownCapability {
  readonly name: CapabilityName;
  readonly majorVersion: number;
  readonly capabilityId: CapabilityId;
  readonly familyCode: number;
}

/** The taxonomy by the numbers that addresses and routes have. A new revision is a new object. */
export class CapabilityBook {
  readonly #familyCodes: ReadonlyMap<string, number>;
  readonly #byId = new Map<string, KnownCapability>();
  /** Family code and CapID[0:4], which no two capabilities of a taxonomy share. */
  readonly #byAddress = new Map<string, KnownCapability>();

  constructor(
    capabilities: readonly { readonly name: CapabilityName; readonly majorVersion: number }[],
    familyCodes: ReadonlyMap<string, number>,
  ) {
    this.#familyCodes = familyCodes;
    for (const { name, majorVersion } of capabilities) {
      const known = this.identify(name, majorVersion);
      this.#byId.set(toHex(known.capabilityId), known);
      this.#byAddress.set(addressKey(known.familyCode, known.capabilityId), known);
    }
  }

  /** The numbers of any name, whether the taxonomy has it or not. */
  identify(name: CapabilityName, majorVersion: number): KnownCapability {
    const family = capabilityFamily(name);
    const familyCode = this.#familyCodes.get(family) ?? hashedFamilyCode(family);
    return { name, majorVersion, capabilityId: capabilityId(name, majorVersion), familyCode };
  }

  byId(id: CapabilityId): KnownCapability | undefined {
    return this.#byId.get(toHex(id));
  }

  /** Which capability an address stands for: `start` is CapID[0:4]. */
  byAddress(familyCode: number, start: Uint8Array): KnownCapability | undefined {
    return this.#byAddress.get(addressKey(familyCode, start));
  }
}

function addressKey(familyCode: number, id: Uint8Array): string {
  return `${familyCode} ${toHex(id.subarray(0, 4))}`;
}
