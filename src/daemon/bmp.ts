import { type Clock, type Log, type Metrics, sameValue } from "../base/index.ts";
import { BmpMonitor, type LocalFacts } from "../bgp/bmp/index.ts";
import type { SoftClear, SpeakerObserver } from "../bgp/speaker/index.ts";
import { AttributeCodec, DEFAULT_DIALECT } from "../bgp/wire/index.ts";
import type { BmpStationRow, RouterConfiguration } from "../management/index.ts";
import type { Rib, RouteFamily } from "../rib/index.ts";
import { ageSeconds } from "./rows.ts";

/** The stations of a router that has some. */
export interface BmpStations extends AsyncDisposable {
  readonly observer: SpeakerObserver;
  /** Neighbours are asked for their routes where a station wants them as they came, from now on. */
  watch(speaker: { clearSoft(address: string, direction: "in"): SoftClear }): void;
  /** This router may have another AS or router ID now. */
  know(configuration: RouterConfiguration): void;
  rows(): Iterable<BmpStationRow>;
}

const FAMILIES: readonly RouteFamily[] = ["capability", "ipv6-unicast", "ipv4-unicast"];

/** `undefined` without stations. */
export function startBmp(
  configuration: RouterConfiguration,
  parts: {
    readonly rib: Rib;
    readonly clock: Clock;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly version: string;
  },
): BmpStations | undefined {
  const { bmp } = configuration;
  if (bmp.stations.length === 0) return undefined;
  const { clock } = parts;
  const localOf = ({ name, routerId, bgp }: RouterConfiguration): LocalFacts => ({
    name,
    description: `semrd ${parts.version}`,
    autonomousSystem: bgp?.localAs ?? 0,
    bgpIdentifier: routerId,
  });
  let local = localOf(configuration);
  const monitor = new BmpMonitor(
    bmp.stations.map((station) => ({ ...station, statisticsInterval: station.statisticsInterval })),
    {
      ...parts,
      codec: new AttributeCodec(DEFAULT_DIALECT),
      local,
      families: FAMILIES,
    },
  );
  return {
    observer: monitor.observer,
    watch(speaker) {
      const { log } = parts;
      monitor.askAgain = (peer) => {
        if (speaker.clearSoft(peer, "in") !== "no-route-refresh") return;
        log.warn("bmp.no-route-refresh", { peer, advice: "stations hear of what it says from now on" });
      };
    },
    know(next) {
      if (sameValue(local, localOf(next))) return;
      local = localOf(next);
      monitor.local = local;
    },
    *rows() {
      for (const { since, lastError, tables, ...station } of monitor.stations()) {
        const { peersTold, messages, octets, queued, resyncs, connections, failures, ...rest } = station;
        yield {
          ...rest,
          tables: [...tables],
          peers: peersTold,
          ...(since === undefined ? {} : { connectedSecondsAgo: ageSeconds(since, clock.monotonic()) }),
          messages: String(messages),
          octets: String(octets),
          queued: String(queued),
          resyncs: String(resyncs),
          connections: String(connections),
          failures: String(failures),
          ...(lastError === undefined ? {} : { lastError }),
        };
      }
    },
    [Symbol.asyncDispose]: () => monitor[Symbol.asyncDispose](),
  };
}
