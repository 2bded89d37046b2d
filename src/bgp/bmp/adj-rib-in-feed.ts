import { type Clock, milliseconds } from "../../base/index.ts";
import type { AttributeSet, PeerIndex, Rib, RouteFamily } from "../../rib/index.ts";
import { encodeUnicast } from "../wire/index.ts";
import type { MonitoredPeer } from "./monitored-peer.ts";
import type { UpdateWriter } from "./update-writer.ts";

export interface RouteSource {
  readonly rib: Pick<Rib, "unicast" | "capability">;
  readonly writer: UpdateWriter;
  readonly clock: Clock;
}

/** Who is told. */
export interface RouteSink {
  /** Whose routes are wanted still. */
  wanted(peer: PeerIndex): MonitoredPeer | undefined;
  tell(peer: MonitoredPeer, update: Uint8Array): void;
  hasRoom(): boolean;
  /** A turn for others, and until there is room; false: nobody listens any more. */
  turn(): Promise<boolean>;
}

const SLICE = milliseconds(3);
const ROWS_PER_LOOK = 32;
/** Rows that are sorted by attribute set at a time. */
const WINDOW = 1024;

interface Row {
  readonly peer: PeerIndex;
  readonly nlri: Uint8Array;
  readonly attributes: AttributeSet;
  readonly pathId: number | undefined;
  readonly stale: boolean;
}

/**
 * Tells the routes of one family, as import policy left them, of all neighbours that are wanted: one walk over the table, in slices and at
 * the reader's pace. What is read in a turn is told in it, so what is told of a route later is always newer.
 */
export async function tellRoutes(family: RouteFamily, source: RouteSource, sink: RouteSink): Promise<void> {
  const { clock, rib, writer } = source;
  let window: Row[] = [];
  let seen = 0;
  let started = clock.monotonic();
  const flush = (): void => {
    for (const [index, bySet] of sorted(window)) {
      const peer = sink.wanted(index);
      if (peer === undefined) continue;
      for (const [set, rows] of bySet)
        writer.announce(family, keysOf(rows), writer.ofSet(family, set), (update) => sink.tell(peer, update));
    }
    window = [];
  };
  for (const row of rowsOf(rib, family)) {
    if (!row.stale && sink.wanted(row.peer) !== undefined) window.push(row);
    if (++seen % ROWS_PER_LOOK !== 0) continue;
    if (window.length >= WINDOW) flush();
    if (clock.monotonic() - started < SLICE && sink.hasRoom()) continue;
    flush();
    if (!(await sink.turn())) return;
    started = clock.monotonic();
  }
  flush();
}

/** By neighbour, then by attribute set. */
function sorted(rows: readonly Row[]): Map<PeerIndex, Map<AttributeSet, Row[]>> {
  const all = new Map<PeerIndex, Map<AttributeSet, Row[]>>();
  for (const row of rows) {
    const ofPeer = all.get(row.peer) ?? new Map<AttributeSet, Row[]>();
    all.set(row.peer, ofPeer);
    const ofSet = ofPeer.get(row.attributes);
    if (ofSet === undefined) ofPeer.set(row.attributes, [row]);
    else ofSet.push(row);
  }
  return all;
}

/** @param rows of one neighbour, at least one: all with path identifiers or none */
function keysOf(rows: readonly Row[]) {
  const octets = new Uint8Array(rows.reduce((sum, { nlri }) => sum + nlri.length, 0));
  const starts = new Int32Array(rows.length);
  const lengths = new Int32Array(rows.length);
  let at = 0;
  for (const [i, { nlri }] of rows.entries()) {
    octets.set(nlri, at);
    starts[i] = at;
    lengths[i] = nlri.length;
    at += nlri.length;
  }
  const hasIds = rows[0]!.pathId !== undefined;
  const pathIds = hasIds ? { pathIds: Int32Array.from(rows, ({ pathId }) => pathId ?? 0) } : {};
  return { octets, starts, lengths, count: rows.length, ...pathIds };
}

function* rowsOf(rib: RouteSource["rib"], family: RouteFamily): IterableIterator<Row> {
  if (family === "capability") {
    for (const { key, ...row } of rib.capability.routesOf({})) yield { nlri: key, ...row };
    return;
  }
  if (family === "route-target") return; // who wants what is no route: it is said when it changes
  for (const { address, length, ...row } of rib.unicast(family).rowsOf({})) {
    yield { nlri: encodeUnicast({ family, address, length }), ...row };
  }
}
