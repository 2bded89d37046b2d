import { type Clock, milliseconds, octetsEqual, Writer } from "../../base/index.ts";
import {
  type AttributeSet,
  LOCAL_PEER,
  type PeerIndex,
  type Rib,
  type RibPeer,
  type RouteFamily,
} from "../../rib/index.ts";
import {
  AttributeCode,
  type AttributeCodec,
  AttributeFlag,
  encodeUnicast,
  isMappedIpv4,
  wireFamily,
} from "../wire/index.ts";
import { type DumpPath, type DumpPeer, encodeDumpRoute, encodePeerIndexTable } from "./wire/index.ts";

export interface SnapshotOptions {
  /** `loc-rib`: the best path of each route; `adj-rib-in`: those of all neighbours, after import policy. */
  readonly view: "loc-rib" | "adj-rib-in";
  readonly families: readonly RouteFamily[];
}

export interface SnapshotParts {
  readonly rib: Pick<Rib, "capability" | "unicast" | "peer">;
  readonly codec: AttributeCodec;
  readonly clock: Clock;
}

/** Longest run of work before other things get their turn. @see DESIGN section 7 */
const SLICE = milliseconds(2);
/** The clock is read once in so many routes. */
const ROUTES_PER_LOOK = 16;
const CHUNK = 64 * 1024;
/** Numbers of neighbours that are looked for; the RIB's own limit is lower. */
const MOST_PEERS = 4096;

/** A path as the tables of all families show it. */
interface Path {
  readonly nlri: Uint8Array;
  readonly peer: PeerIndex;
  readonly since: number;
  readonly best: boolean;
  readonly attributes: AttributeSet;
  readonly pathId?: number | undefined;
}

/**
 * The tables of now as TABLE_DUMP_V2, in chunks of about 64 kB: taken at the reader's pace and in slices of 2 ms. A route that
 * comes or goes meanwhile may be missing; a neighbour that comes is not in the index, so its routes are left out.
 *
 * @see RFC 6396 §4.3; RFC 8050 §4
 */
export async function* tableSnapshot(options: SnapshotOptions, parts: SnapshotParts): AsyncGenerator<Uint8Array, void> {
  const { rib, codec, clock } = parts;
  const seconds = Math.floor(clock.wall() / 1000);
  const peers = new PeerIndexes(rib);
  const out = new Writer(2 * CHUNK);
  const local = rib.peer(LOCAL_PEER);
  encodePeerIndexTable(out, seconds, {
    collectorId: local?.bgpIdentifier ?? 0,
    viewName: options.view,
    peers: peers.table,
  });
  const attributes = new DumpAttributes(codec);
  let sequence = 0;
  let seen = 0;
  let started = clock.monotonic();
  for (const family of options.families) {
    const wire = wireFamily(family, codec.dialect);
    for (const group of byRoute(pathsOf(rib, family))) {
      const paths: DumpPath[] = [];
      for (const { peer, since, best, attributes: set, pathId } of group) {
        const index = peers.of(peer);
        if (index === undefined || (options.view === "loc-rib" && !best)) continue;
        const id = pathId === undefined ? {} : { pathId };
        paths.push({
          peer: index,
          originated: Math.floor(since / 1000),
          ...id,
          attributes: attributes.of(set, family),
        });
      }
      if (paths.length > 0) encodeDumpRoute(out, seconds, sequence++, { family: wire, nlri: group[0]!.nlri, paths });
      const full = out.length >= CHUNK;
      if (!full && (++seen % ROUTES_PER_LOOK !== 0 || clock.monotonic() - started < SLICE)) continue;
      if (full) {
        yield out.finish().slice();
        out.clear();
      }
      await new Promise<void>((resolve) => clock.soon(resolve));
      started = clock.monotonic();
    }
  }
  if (out.length > 0) yield out.finish().slice();
}

/** The neighbours at the start, and where each is in the index table. */
class PeerIndexes {
  readonly table: DumpPeer[] = [];
  readonly #rib: SnapshotParts["rib"];
  readonly #known = new Map<PeerIndex, { readonly peer: RibPeer; readonly index: number }>();

  constructor(rib: SnapshotParts["rib"]) {
    this.#rib = rib;
    for (let number = 0; number < MOST_PEERS; number++) {
      const peer = rib.peer(number);
      // Readers of the RIB that are no neighbours have no AS.
      if (peer === undefined || (number !== LOCAL_PEER && peer.autonomousSystem === 0)) continue;
      this.#known.set(number, { peer, index: this.table.length });
      this.table.push(peer);
    }
  }

  /** `undefined`: the number belongs to somebody who came since. */
  of(number: PeerIndex): number | undefined {
    const known = this.#known.get(number);
    return known !== undefined && this.#rib.peer(number) === known.peer ? known.index : undefined;
  }
}

function* pathsOf(rib: SnapshotParts["rib"], family: RouteFamily): IterableIterator<Path> {
  if (family === "capability") {
    for (const { key, ...row } of rib.capability.routesOf({})) yield { nlri: key, ...row };
    return;
  }
  if (family === "route-target") return; // who wants what is no route
  for (const row of rib.unicast(family).rowsOf({})) {
    yield { nlri: encodeUnicast({ family, address: row.address, length: row.length }), ...row };
  }
}

/** Paths of one route come one after the other. */
function* byRoute(paths: Iterable<Path>): IterableIterator<readonly Path[]> {
  let group: Path[] = [];
  for (const path of paths) {
    if (group.length > 0 && !octetsEqual(group[0]!.nlri, path.nlri)) {
      yield group;
      group = [];
    }
    group.push(path);
  }
  if (group.length > 0) yield group;
}

const NEXT_HOP_OCTETS = 16;

/** Attributes as a dump has them, made once for each set. @see RFC 6396 §4.3.4 */
class DumpAttributes {
  readonly #codec: AttributeCodec;
  readonly #known = new WeakMap<AttributeSet, Uint8Array>();

  constructor(codec: AttributeCodec) {
    this.#codec = codec;
  }

  of(set: AttributeSet, family: RouteFamily): Uint8Array {
    const known = this.#known.get(set);
    if (known !== undefined) return known;
    const classic = family === "ipv4-unicast" && isMappedIpv4(set.nextHop);
    const context = { asWidth: 4, internal: true, nextHopAttribute: classic } as const;
    const encoded = this.#codec.encode(set, context);
    const octets = classic ? encoded : withReach(set, encoded);
    this.#known.set(set, octets);
    return octets;
  }
}

/** MP_REACH_NLRI is cut to the length of the next hop and the next hop. */
function withReach({ nextHop }: AttributeSet, encoded: Uint8Array): Uint8Array {
  const out = new Writer(encoded.length + NEXT_HOP_OCTETS + 4);
  out.u8(AttributeFlag.Optional).u8(AttributeCode.MpReachNlri);
  out.u8(1 + NEXT_HOP_OCTETS).u8(NEXT_HOP_OCTETS);
  return out.bytes(nextHop).bytes(encoded).finish();
}
