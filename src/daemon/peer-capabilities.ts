import type { PeerStatus } from "../bgp/speaker/index.ts";
import type { PeerCapabilityRow } from "../management/index.ts";

/** Whether a capability is in use, by its code; others are not known here. */
const IN_USE: Readonly<Record<number, (peer: PeerStatus) => boolean>> = {
  1: ({ families }) => families.length > 0,
  2: ({ capabilities }) => capabilities.routeRefresh,
  5: ({ capabilities }) => capabilities.extendedNextHop,
  6: ({ capabilities }) => capabilities.extendedMessages,
  9: ({ role }) => role?.peerSaid === true,
  64: ({ capabilities }) => capabilities.gracefulRestart,
  65: ({ capabilities }) => capabilities.fourOctetAs,
  69: ({ perFamily }) => perFamily.some(({ addPath }) => addPath.send || addPath.receive),
  70: ({ capabilities }) => capabilities.enhancedRouteRefresh,
  71: ({ capabilities }) => capabilities.longLivedGracefulRestart,
};

/** What both ends offered and came to, side by side, by code. */
export function capabilityRows(peer: PeerStatus): readonly PeerCapabilityRow[] {
  const { sent, received } = peer.offered;
  const names = new Map([...sent, ...received].map(({ code, name }) => [code, name]));
  const valuesOf = (all: typeof sent, wanted: number): string[] =>
    all.flatMap(({ code, value }) => (code === wanted ? [value] : []));
  const isUp = peer.state === "Established";
  return [...names]
    .sort(([a], [b]) => a - b)
    .map(([code, name]) => {
      const agreed = isUp ? IN_USE[code]?.(peer) : undefined;
      const values = { sent: valuesOf(sent, code), received: valuesOf(received, code) };
      return { code, name, ...values, ...(agreed === undefined ? {} : { agreed }) };
    });
}
