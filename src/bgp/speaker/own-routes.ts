import { toHex } from "../../base/index.ts";
import { type AttributeSet, type KeyBatch, LOCAL_PEER, type RouteFamily } from "../../rib/index.ts";
import {
  type AttributeCodec,
  type CapabilityNlri,
  encodeCapability,
  encodeUnicast,
  type UnicastNlri,
} from "../wire/index.ts";
import type { SpeakerRib } from "./peer-parts.ts";

/** What this router announces itself: into the RIB, from where it goes to the neighbours like any other route. */
export class OwnRoutes {
  readonly #rib: SpeakerRib;
  readonly #codec: AttributeCodec;
  #memberships: ReadonlyMap<string, Uint8Array> = new Map();

  constructor(rib: SpeakerRib, codec: AttributeCodec) {
    this.#rib = rib;
    this.#codec = codec;
  }

  originate(nlri: CapabilityNlri, attributes: AttributeSet): void {
    this.#announce("capability", encodeCapability(nlri), attributes);
  }

  withdraw(nlri: CapabilityNlri): void {
    this.#rib.capability.withdraw(LOCAL_PEER, oneKey(encodeCapability(nlri)));
  }

  originateUnicast(nlri: UnicastNlri, attributes: AttributeSet): void {
    this.#announce(nlri.family, encodeUnicast(nlri), attributes);
  }

  withdrawUnicast(nlri: UnicastNlri): void {
    this.#rib.table(nlri.family).withdraw(LOCAL_PEER, oneKey(encodeUnicast(nlri)));
  }

  /** Announces these memberships and no others. */
  become(memberships: readonly Uint8Array[], attributes: AttributeSet): void {
    const wanted = new Map(memberships.map((key) => [toHex(key), key]));
    const table = this.#rib.table("route-target");
    for (const [name, key] of this.#memberships) if (!wanted.has(name)) table.withdraw(LOCAL_PEER, oneKey(key));
    for (const [name, key] of wanted) if (!this.#memberships.has(name)) this.#announce("route-target", key, attributes);
    this.#memberships = wanted;
  }

  #announce(family: RouteFamily, key: Uint8Array, attributes: AttributeSet): void {
    const identity = this.#codec.identity(attributes, family);
    const id = this.#rib.attributes.intern(identity, 0, identity.length, () => attributes, family);
    this.#rib.table(family).announce(LOCAL_PEER, oneKey(key), id);
  }
}

function oneKey(octets: Uint8Array): KeyBatch {
  return { octets, starts: Int32Array.of(0), lengths: Int32Array.of(octets.length), count: 1 };
}
