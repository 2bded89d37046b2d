import type { BmpStationRow, RpkiCacheRow, StateSource } from "../../management/index.ts";
import type { ControlParts } from "../control.ts";
import { present } from "../rows.ts";
import { dateAndTime, entry, place } from "./place.ts";

const CACHE = place("semrd-router:router", "semrd-rpki:rpki", "cache");
const STATION = place("semrd-router:router", "semrd-bmp:bmp", "station");

/** Caches that say who may originate a prefix. */
export function cacheState(parts: ControlParts): StateSource {
  return {
    path: CACHE,
    *rows() {
      for (const cache of parts.rpki?.caches() ?? [])
        yield { path: entry(CACHE, { 2: { name: cache.name } }), value: { state: cacheMembers(cache, parts) } };
    },
  };
}

/** Stations that are told of sessions and routes. */
export function stationState(parts: ControlParts): StateSource {
  return {
    path: STATION,
    *rows() {
      for (const station of parts.bmp?.rows() ?? [])
        yield { path: entry(STATION, { 2: { name: station.name } }), value: { state: stationMembers(station, parts) } };
    },
  };
}

function instant(secondsAgo: number | undefined, { clock }: Pick<ControlParts, "clock">): string | undefined {
  return secondsAgo === undefined ? undefined : dateAndTime(clock.wall() - 1000 * secondsAgo);
}

function cacheMembers(cache: RpkiCacheRow, parts: Pick<ControlParts, "clock">) {
  return {
    "session-state": cache.state,
    "protocol-version": cache.version,
    ...present({
      "session-id": cache.sessionId,
      "serial-number": cache.serial,
      "last-update": instant(cache.updatedSecondsAgo, parts),
      "last-error": cache.lastError,
    }),
    vrps: Number(cache.vrps),
    "in-use": cache.counts,
    "refresh-interval": cache.refreshSeconds,
    "retry-interval": cache.retrySeconds,
    "expire-interval": cache.expireSeconds,
    connections: Number(cache.connections),
    failures: Number(cache.failures),
  };
}

function stationMembers(station: BmpStationRow, parts: Pick<ControlParts, "clock">) {
  return {
    "session-state": station.state,
    ...present({ connected: instant(station.connectedSecondsAgo, parts), "last-error": station.lastError }),
    neighbors: station.peers,
    "messages-sent": station.messages,
    "octets-sent": station.octets,
    "octets-queued": station.queued,
    resyncs: Number(station.resyncs),
    connections: Number(station.connections),
    failures: Number(station.failures),
  };
}
