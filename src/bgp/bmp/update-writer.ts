import type { AttributeSet, AttributeTable, KeyBatch, RouteFamily } from "../../rib/index.ts";
import { messagesIn } from "../speaker/index.ts";
import {
  type AttributeCodec,
  type EncodedSet,
  encodeEndOfRib,
  type Family,
  isMappedIpv4,
  LONGEST_KEY,
  MAX_EXTENDED_MESSAGE_LENGTH,
  MAX_MESSAGE_LENGTH,
  PATH_ID_LENGTH,
  UpdateEncoder,
  wireFamily,
} from "../wire/index.ts";

/** Sets whose octets are kept: routes that share one come together. */
const MOST_SETS = 1024;

/** Writes routes of the RIB as UPDATEs, as a session with AS numbers of four octets inside the AS would carry them. */
export class UpdateWriter {
  readonly #attributes: Pick<AttributeTable, "get" | "serial">;
  readonly #codec: AttributeCodec;
  readonly #encoders = new Map<string, UpdateEncoder>();
  /** By serial number of the set, and family. */
  readonly #sets = new Map<string, EncodedSet>();
  /** Routes that fit no message. */
  tooLarge = 0;

  constructor(attributes: Pick<AttributeTable, "get" | "serial">, codec: AttributeCodec) {
    this.#attributes = attributes;
    this.#codec = codec;
  }

  /** @param maximum what no usual message can hold goes into a long one, alone. @see RFC 8654 */
  #encoder(family: RouteFamily, pathIds: boolean, maximum: number = MAX_MESSAGE_LENGTH): UpdateEncoder {
    const key = `${family} ${pathIds} ${maximum}`;
    const known = this.#encoders.get(key);
    if (known !== undefined) return known;
    const made = new UpdateEncoder(wireFamily(family, this.#codec.dialect), {
      pathIds,
      maximum,
      capacity: MAX_EXTENDED_MESSAGE_LENGTH,
    });
    this.#encoders.set(key, made);
    return made;
  }

  /** The octets of a set, by its number. */
  ofId(family: RouteFamily, id: number): EncodedSet {
    const key = `${this.#attributes.serial(id)} ${family}`;
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    if (this.#sets.size >= MOST_SETS) this.#sets.clear();
    const made = this.ofSet(family, this.#attributes.get(id));
    this.#sets.set(key, made);
    return made;
  }

  ofSet(family: RouteFamily, set: AttributeSet): EncodedSet {
    const nextHopAttribute = family === "ipv4-unicast" && isMappedIpv4(set.nextHop);
    const octets = this.#codec.encode(set, { asWidth: 4, internal: true, nextHopAttribute });
    return { octets, length: octets.length, nextHop: set.nextHop, version: 1 };
  }

  /** Messages one behind the other, each handed to `take`. The octets belong to whom they are handed to. */
  announce(family: RouteFamily, keys: KeyBatch, set: EncodedSet, take: (message: Uint8Array) => void): void {
    const isLong = !UpdateEncoder.fits(set, LONGEST_KEY[family] + PATH_ID_LENGTH, MAX_MESSAGE_LENGTH);
    const maximum = isLong ? MAX_EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH;
    const encoder = this.#encoder(family, keys.pathIds !== undefined, maximum);
    for (let i = 0; i < keys.count; i++) {
      const [start, length] = [keys.starts[i]!, keys.lengths[i]!];
      if (!UpdateEncoder.fits(set, length + PATH_ID_LENGTH, maximum)) {
        this.tooLarge++;
        continue;
      }
      if (encoder.announce(set, keys.octets, start, length, keys.pathIds?.[i])) continue;
      flush(encoder, take);
      encoder.announce(set, keys.octets, start, length, keys.pathIds?.[i]);
    }
    flush(encoder, take);
  }

  withdraw(family: RouteFamily, keys: KeyBatch, take: (message: Uint8Array) => void): void {
    const encoder = this.#encoder(family, keys.pathIds !== undefined);
    for (let i = 0; i < keys.count; i++) {
      const [start, length] = [keys.starts[i]!, keys.lengths[i]!];
      if (encoder.withdraw(keys.octets, start, length, keys.pathIds?.[i])) continue;
      flush(encoder, take);
      encoder.withdraw(keys.octets, start, length, keys.pathIds?.[i]);
    }
    flush(encoder, take);
  }

  /** The families as an OPEN names them. */
  wireFamilies(families: readonly RouteFamily[]): readonly Family[] {
    return families.map((family) => wireFamily(family, this.#codec.dialect));
  }

  endOfRib(family: RouteFamily): Uint8Array {
    return encodeEndOfRib(wireFamily(family, this.#codec.dialect));
  }
}

function flush(encoder: UpdateEncoder, take: (message: Uint8Array) => void): void {
  const block = encoder.take();
  if (block === undefined) return;
  for (const message of messagesIn(block)) take(message);
}
