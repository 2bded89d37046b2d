import { formatIpv4, formatIpv6, type Ipv6Address, isLinkLocal, type Moment, parseZoned } from "../base/index.ts";
import { isMappedIpv4 } from "../bgp/wire/index.ts";
import type { UnicastRouteRow } from "../management/index.ts";
import type { Rib, UnicastFamily, UnicastRow } from "../rib/index.ts";
import { asPathText, communitiesText } from "./community-text.ts";
import { ageSeconds } from "./rows.ts";

function ipv4Text(octets: Uint8Array): string {
  return formatIpv4(new DataView(octets.buffer, octets.byteOffset, 4).getUint32(0));
}

export function nextHopText(address: Ipv6Address): string {
  return isMappedIpv4(address) ? ipv4Text(address.subarray(12)) : formatIpv6(address);
}

export function prefixText(address: Uint8Array, length: number): string {
  return `${address.length === 4 ? ipv4Text(address) : formatIpv6(address)}/${length}`;
}

/** A next hop of a link with its interface, where the neighbour that said it is known by one. */
function onLink(text: string, nextHop: Ipv6Address, neighbor: string | undefined): string {
  const zone = neighbor === undefined || !isLinkLocal(nextHop) ? undefined : parseZoned(neighbor)?.zone;
  return zone === undefined ? text : `${text}%${zone}`;
}

/**
 * One row per path, in no order.
 * @param rpkiState absent: origins are not validated
 */
export function* unicastRows(
  rib: Rib,
  family: UnicastFamily,
  now: () => Moment,
  rpkiState?: (family: UnicastFamily, row: UnicastRow) => string,
): Generator<UnicastRouteRow> {
  for (const { shown } of shownPaths(rib, family, now, rpkiState)) yield shown;
}

/** As {@link unicastRows}, each with the path of the RIB that it shows. */
export function* shownPaths(
  rib: Rib,
  family: UnicastFamily,
  now: () => Moment,
  rpkiState?: (family: UnicastFamily, row: UnicastRow) => string,
): Generator<{ readonly path: UnicastRow; readonly shown: UnicastRouteRow }> {
  for (const row of rib.unicast(family).rowsOf({})) {
    const { address, length, attributes, peer, pathId, best, stale, step, learntAt } = row;
    const { localPref, multiExitDisc } = attributes;
    const from = rib.peer(peer)?.name;
    const shown: UnicastRouteRow = {
      prefix: prefixText(address, length),
      nextHop: onLink(nextHopText(attributes.nextHop), attributes.nextHop, from),
      peer: peer === 0 ? "local" : (from ?? `peer ${peer}`),
      ...(pathId === undefined ? {} : { pathId }),
      local: peer === 0,
      status: best ? "best" : "other",
      stale,
      ...(step === undefined ? {} : { step }),
      origin: attributes.origin,
      ...(localPref === undefined ? {} : { localPref }),
      ...(multiExitDisc === undefined ? {} : { multiExitDisc }),
      asPath: asPathText(attributes.asPath),
      communities: communitiesText(attributes),
      ...(rpkiState === undefined ? {} : { rpki: rpkiState(family, row) }),
      ageSeconds: ageSeconds(learntAt, now().monotonic),
    };
    yield { path: row, shown };
  }
}
