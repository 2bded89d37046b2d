import { formatZoned } from "../../base/index.ts";
import {
  answered,
  type BgpConfiguration,
  fault,
  type Provider,
  type RouterChange,
  refused,
} from "../../management/index.ts";

const BGP = "/semrd-router:router/semrd-bgp:bgp";

/**
 * Refuses keys of the TCP Authentication Option where the kernel has none: sessions that ask for them could never come. A
 * configuration that has such keys already is not looked at, so that going back to it is always possible.
 * @param hasTcpAo asked where it matters only
 * @see RFC 5925
 */
export function tcpAoSupport(hasTcpAo: () => boolean): Provider<RouterChange> {
  return {
    name: "tcp-ao",
    plan({ before, intended }) {
      const wanted = keyed(intended.bgp);
      if (wanted === undefined || keyed(before.bgp) !== undefined || hasTcpAo()) return answered([]);
      const message =
        "this kernel has no TCP-AO, which takes Linux 6.7 or later with CONFIG_TCP_AO: use md5-key instead, or another kernel";
      return refused(fault("operation-failed", message, { path: `${BGP}/${wanted}/tcp-ao-key`, appTag: "no-tcp-ao" }));
    },
    prepare: () => answered(undefined),
  };
}

/** The first neighbour or range that has such keys, its group's among them. */
function keyed(bgp: BgpConfiguration | undefined): string | undefined {
  const neighbor = bgp?.neighbors.find(({ aoKeys }) => aoKeys.length > 0);
  if (neighbor !== undefined) return `neighbors/neighbor[address='${formatZoned(neighbor)}']`;
  return bgp?.ranges.some(({ aoKeys }) => aoKeys.length > 0) === true ? "dynamic-neighbors" : undefined;
}
