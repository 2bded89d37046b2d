import { type Clock, milliseconds } from "../../base/index.ts";
import type { RouteFamily } from "../../rib/index.ts";
import type { AdjRibOut } from "../speaker/index.ts";
import type { MonitoredPeer } from "./monitored-peer.ts";
import type { FeedSink } from "./table-feed.ts";
import type { UpdateWriter } from "./update-writer.ts";
import { NO_TIME } from "./wire/index.ts";

const SLICE = milliseconds(3);

/** The neighbour, and what it has been told. */
export type ToldPeer = Pick<MonitoredPeer, "sent"> & {
  readonly session: { readonly told: ReadonlyMap<RouteFamily, Pick<AdjRibOut, "say">> };
};

export interface OutgoingSource {
  readonly clock: Pick<Clock, "monotonic">;
  readonly writer: Pick<UpdateWriter, "endOfRib">;
}

/** Who is told. */
export interface OutgoingSink extends FeedSink {
  /** It listens still. */
  isWanted(): boolean;
  /** A turn for others, and until there is room. */
  room(): Promise<unknown>;
}

/**
 * Tells what a neighbour has been told so far, after export policy, in slices and at the reader's pace. What it is told
 * meanwhile comes as it is said. @see RFC 8671 §5.1
 */
export async function tellOutgoing(
  peer: ToldPeer,
  { clock, writer }: OutgoingSource,
  sink: OutgoingSink,
): Promise<void> {
  for (const [family, adjRibOut] of peer.session.told) {
    let started = clock.monotonic();
    for (let from = 1; from !== 0; ) {
      if (clock.monotonic() - started > SLICE || !sink.hasRoom()) {
        await sink.room();
        started = clock.monotonic();
      }
      if (!sink.isWanted()) return;
      from = adjRibOut.say(from, (update) => sink.write(peer.sent(update, NO_TIME)));
    }
    sink.write(peer.sent(writer.endOfRib(family), NO_TIME));
  }
}
