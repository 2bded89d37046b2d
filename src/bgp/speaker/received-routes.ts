import type { Milliseconds } from "../../base/index.ts";
import type { AttributeId, KeyBatch, PeerIndex, PolicyFamily, Rib } from "../../rib/index.ts";
import { type AttributeCodec, NlriBatch, PATH_ID_LENGTH, ReceivedSet } from "../wire/index.ts";

export interface ReceivedRoutesParts {
  readonly rib: Pick<Rib, "received" | "attributes">;
  readonly family: PolicyFamily;
  readonly peerIndex: PeerIndex;
  readonly codec: AttributeCodec;
  /** All that the neighbour says on this session comes here, as it does where it is kept from the beginning. */
  readonly isWhole: boolean;
}

/** Nets that are looked at in one go. */
const NETS_AT_ONCE = 256;

/** One route as it came. */
export interface ReceivedRoute {
  /** NLRI, a copy. */
  readonly key: Uint8Array;
  readonly pathId: number | undefined;
  /** Before import policy. */
  readonly attributes: AttributeId;
  /** Monotonic. */
  readonly learntAt: Milliseconds;
}

/** What a neighbour has said of one family on this session, before import policy. */
export class ReceivedRoutes {
  readonly isWhole: boolean;
  readonly #parts: ReceivedRoutesParts;
  readonly #table: ReturnType<Rib["received"]>;
  readonly #batch = new NlriBatch();

  /** @throws {RibError} `rib.no-memory` */
  constructor(parts: ReceivedRoutesParts) {
    this.isWhole = parts.isWhole;
    this.#parts = parts;
    this.#table = parts.rib.received(parts.family);
  }

  get size(): number {
    return this.#table.pathsOf(this.#parts.peerIndex);
  }

  /** @throws {RibError} `rib.route-limit` */
  announced(keys: KeyBatch, id: AttributeId): void {
    this.#table.announce(this.#parts.peerIndex, keys, id);
  }

  withdrawn(keys: KeyBatch): void {
    this.#table.withdraw(this.#parts.peerIndex, keys);
  }

  /** May be read over many turns of the event loop. */
  *routes(): Generator<ReceivedRoute> {
    for (let from = 1; from !== 0; ) {
      const found: ReceivedRoute[] = [];
      from = this.#walk(found, from);
      yield* found;
    }
  }

  /**
   * Hands some of the routes over as if they came once more, in batches of one set.
   * @param from 1 at first
   * @param take gets keys that are borrowed until it returns; false: it wants no more
   * @returns where to go on on a later turn; 0: that was all
   */
  replay(from: number, take: (keys: NlriBatch, id: AttributeId, set: ReceivedSet) => boolean): number {
    const found: ReceivedRoute[] = [];
    const next = this.#walk(found, from);
    found.sort((a, b) => a.attributes - b.attributes);
    for (let start = 0; start < found.length; ) {
      const { attributes } = found[start]!;
      let end = start + 1;
      while (end < found.length && found[end]!.attributes === attributes) end++;
      const alike = found.slice(start, end);
      start = end;
      if (!take(this.#batchOf(alike), attributes, this.#setOf(attributes))) return 0;
    }
    return next;
  }

  #walk(into: ReceivedRoute[], from: number): number {
    return this.#table.walkPaths(
      this.#parts.peerIndex,
      (attributes, key, start, length, pathId, learntAt) => {
        into.push({ key: new Uint8Array(key.subarray(start, start + length)), pathId, attributes, learntAt });
      },
      from,
      NETS_AT_ONCE,
    );
  }

  /** As a message would carry them. */
  #batchOf(routes: readonly ReceivedRoute[]): NlriBatch {
    const hasIds = routes[0]!.pathId !== undefined;
    const idLength = hasIds ? PATH_ID_LENGTH : 0;
    const octets = new Uint8Array(routes.reduce((sum, { key }) => sum + key.length + idLength, 0));
    const view = new DataView(octets.buffer);
    let at = 0;
    for (const { key, pathId } of routes) {
      if (hasIds) view.setUint32(at, pathId ?? 0);
      octets.set(key, at + idLength);
      at += idLength + key.length;
    }
    this.#batch.scan(octets, 0, octets.length, this.#parts.family, { pathIds: hasIds });
    return this.#batch;
  }

  #setOf(id: AttributeId): ReceivedSet {
    const { codec, rib } = this.#parts;
    const set = new ReceivedSet(codec, { asWidth: 4, internal: true });
    set.octets = rib.attributes.octets(id).slice();
    set.length = set.octets.length;
    set.source = codec.sourceOf(rib.attributes.get(id));
    return set;
  }
}
