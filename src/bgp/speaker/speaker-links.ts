import { LinkWatch } from "./link-watch.ts";
import type { ListenRanges } from "./listen-ranges.ts";
import type { Listeners } from "./listeners.ts";
import { zoneOf } from "./peer-address.ts";
import type { PeerDrivers } from "./peer-drivers.ts";
import type { SpeakerParts } from "./speaker-api.ts";

interface LinkedParts {
  readonly peers: PeerDrivers;
  readonly ranges: ListenRanges;
  readonly listeners: Listeners;
  /** That neighbours on links connect to. */
  readonly port: () => number | undefined;
  readonly hasStopped: () => boolean;
}

/** The interfaces that the neighbours of a speaker depend on. */
export function linkWatch(parts: SpeakerParts, linked: LinkedParts): LinkWatch {
  const { peers, ranges, listeners, port, hasStopped } = linked;
  return new LinkWatch({
    ...parts,
    port,
    zones: () => new Set(zonesOf(linked)),
    sessions: () => peers.values().flatMap(({ linked: session }) => (session === undefined ? [] : [session])),
    discoverOn: () => new Set(hasStopped() ? [] : ranges.ranges.flatMap(({ interface: zone }) => zone ?? [])),
    heard(addresses) {
      for (const address of addresses) peers.discovered(address);
      for (const peer of [...peers.values()]) {
        if (peer.options.range !== undefined && zoneOf(peer.options.address) !== undefined) peer.discovered();
      }
    },
    listen: (addresses) => listeners.onLinks(hasStopped() ? [] : addresses),
  });
}

/** Interfaces with neighbours, or ranges of them, on their links. */
function* zonesOf({ peers, ranges }: LinkedParts): Generator<string> {
  for (const { options } of peers.values()) {
    const zone = options.enabled === false ? undefined : zoneOf(options.address);
    if (zone !== undefined) yield zone;
  }
  for (const range of ranges.ranges) if (range.interface !== undefined) yield range.interface;
}
