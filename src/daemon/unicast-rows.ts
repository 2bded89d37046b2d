import { formatIpv4, formatIpv6, type Ipv6Address, type Milliseconds } from "../base/index.ts";
import { isMappedIpv4 } from "../bgp/wire/index.ts";
import type { UnicastRouteRow } from "../management/index.ts";
import type { Rib, UnicastFamily } from "../rib/index.ts";
import { asPathText, communitiesText } from "./community-text.ts";

function ipv4Text(octets: Uint8Array): string {
  return formatIpv4(new DataView(octets.buffer, octets.byteOffset, 4).getUint32(0));
}

function nextHopText(address: Ipv6Address): string {
  return isMappedIpv4(address) ? ipv4Text(address.subarray(12)) : formatIpv6(address);
}

/** One row per path, in no order. */
export function* unicastRows(rib: Rib, family: UnicastFamily, now: () => Milliseconds): Generator<UnicastRouteRow> {
  for (const { address, length, attributes, peer, pathId, best, stale, step, since } of rib
    .unicast(family)
    .rowsOf({})) {
    const { localPref, multiExitDisc } = attributes;
    yield {
      prefix: `${address.length === 4 ? ipv4Text(address) : formatIpv6(address)}/${length}`,
      nextHop: nextHopText(attributes.nextHop),
      peer: peer === 0 ? "local" : (rib.peer(peer)?.name ?? `peer ${peer}`),
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
      ageSeconds: Math.max(0, Math.round((now() - since) / 1000)),
    };
  }
}
