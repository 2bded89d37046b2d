import type { AttributeId, AttributeTable, PeerIndex, RouteOutput } from "../../rib/index.ts";
import { type Family, UpdateEncoder } from "../wire/index.ts";
import type { AddPathDirections } from "./add-path.ts";
import type { Exported, ExportGroup } from "./export-group.ts";
import type { ToldSources } from "./told-sources.ts";

export interface AdjRibOutParts {
  readonly output: RouteOutput;
  /** Another reader of what may be told to the neighbour. */
  readonly openOutput: () => RouteOutput;
  /** Whether each route is sent, and comes, with the identifier of its path. @see RFC 7911 */
  readonly addPath: AddPathDirections;
  readonly attributes: AttributeTable;
  readonly family: Family;
  /** Octets of the longest message. */
  readonly messageLimit: number;
  readonly sources: ToldSources;
  /** Whether it wants routes with this set; `undefined`: it wants all. @see RFC 4684 §6 */
  readonly wants?: ((id: AttributeId) => boolean) | undefined;
}

/** One path that a neighbour has been told, or might have been. */
export interface OutgoingRoute {
  /** NLRI, a copy. */
  readonly key: Uint8Array;
  /** Under which it is told; absent where the neighbour is told the best path alone. @see RFC 7911 */
  readonly pathId: number | undefined;
  readonly source: PeerIndex;
  /** As it is in the RIB, before export policy. */
  readonly attributes: AttributeId;
  /** `pending`: it is about to be decided, or sent. */
  readonly state: "told" | "not-told" | "pending";
  /** Why it is not told, as it is judged now; absent where nothing speaks against it. */
  readonly reason: string | undefined;
  /** Path attributes as the session carries them, without MP_REACH_NLRI, and its next hop, of one address or two: copies. Absent with a reason. */
  readonly sent: { readonly octets: Uint8Array; readonly nextHop: Uint8Array } | undefined;
}

interface Place {
  readonly attributes: AttributeId;
  readonly source: PeerIndex;
  readonly key: Uint8Array;
  readonly pathId: number;
  readonly state: OutgoingRoute["state"];
}

/** Nets that are looked at in one go, and put in the order of their sets. */
const NETS_AT_ONCE = 512;

/**
 * What one neighbour has been told of one family, read from the table: no copy of it is kept. A path whose set has changed and
 * that waits to be told again is shown as it will be.
 */
export class AdjRibOut {
  readonly #parts: AdjRibOutParts;
  readonly #group: () => ExportGroup;

  /** @param group by which the neighbour is told at the moment */
  constructor(parts: AdjRibOutParts, group: () => ExportGroup) {
    this.#parts = parts;
    this.#group = group;
  }

  /** Nets, or paths, that the neighbour has been told. */
  get size(): number {
    return this.#parts.output.advertised;
  }

  /** Whether each route is told with the identifier of its path. */
  get pathIds(): boolean {
    return this.#parts.addPath.send;
  }

  /** What may be told to the neighbour by where it came from, before export policy; the caller disposes it. */
  openBeforePolicy(): RouteOutput {
    return this.#parts.openOutput();
  }

  /** Whether the neighbour may have anything from `source` now. */
  mayPass(source: PeerIndex): boolean {
    return this.#parts.sources.mayPass(source);
  }

  /** Every path that the neighbour may have by where it came from. May be read over many turns of the event loop. */
  *routes(): Generator<OutgoingRoute> {
    for (let from = 1; from !== 0; ) {
      const places: Place[] = [];
      from = this.#places(places, from, () => true);
      for (const place of places) yield this.#routeOf(place);
    }
  }

  /**
   * Says what the neighbour has been told once more, to somebody else: UPDATEs as the session carries them.
   * @param from 1 at first
   * @param take gets each message, for good
   * @returns where to go on on a later turn; 0: that was all
   */
  say(from: number, take: (message: Uint8Array) => void): number {
    const { family, addPath, messageLimit } = this.#parts;
    const places: Place[] = [];
    const next = this.#places(places, from, (state) => state === "told");
    places.sort((a, b) => a.attributes - b.attributes || a.source - b.source);
    const encoder = new UpdateEncoder(family, { maximum: messageLimit, pathIds: addPath.send });
    for (const place of places) {
      const exported = this.#exported(place);
      if (!exported.ok) continue;
      while (!encoder.announce(exported.set, place.key, 0, place.key.length, place.pathId)) flush(encoder, take);
    }
    flush(encoder, take);
    return next;
  }

  #places(into: Place[], from: number, wanted: (state: OutgoingRoute["state"]) => boolean): number {
    return this.#parts.output.walk(
      (attributes, source, key, start, length, pathId, state) => {
        if (wanted(state)) {
          into.push({ attributes, source, key: new Uint8Array(key.subarray(start, start + length)), pathId, state });
        }
      },
      from,
      NETS_AT_ONCE,
    );
  }

  #exported({ attributes, source, key }: Place): Exported {
    const { sources, wants } = this.#parts;
    if (!sources.mayPass(source)) return { ok: false, reason: "not-yet" };
    if (wants?.(attributes) === false) return { ok: false, reason: "not-a-member" };
    const group = this.#group();
    const found = group.of(attributes, sources.reflectedFrom(source));
    const exported = found.ok === "by-key" ? found.of(key, 0) : found;
    return exported.ok ? (group.stays(key, 0) ?? exported) : exported;
  }

  #routeOf(place: Place): OutgoingRoute {
    const { key, source, attributes, state, pathId } = place;
    const exported = this.#exported(place);
    const shown = { key, source, attributes, state, pathId: this.#parts.addPath.send ? pathId : undefined };
    if (!exported.ok) return { ...shown, reason: exported.reason, sent: undefined };
    const { octets, length, nextHop } = exported.set;
    const sent = { octets: new Uint8Array(octets.subarray(0, length)), nextHop: new Uint8Array(nextHop) };
    return { ...shown, reason: undefined, sent };
  }
}

function flush(encoder: UpdateEncoder, take: (message: Uint8Array) => void): void {
  const block = encoder.take();
  if (block !== undefined) for (const message of messagesIn(block)) take(message);
}

/** The messages that lie one behind the other in a block. */
export function* messagesIn(block: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < block.length; ) {
    const length = (block[at + 16]! << 8) | block[at + 17]!;
    yield block.subarray(at, at + length);
    at += length;
  }
}
