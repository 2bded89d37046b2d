import { formatIpv6 } from "../base/index.ts";
import type { DataplaneDriver, Feature } from "../dataplane/index.ts";
import { addedOctets, type Tunnel } from "../forwarding/index.ts";
import type { RouterConfiguration, TunnelConfiguration } from "../management/index.ts";

/** Any link takes this much, so a tunnel must carry it. @see RFC 8200 §5 */
const LEAST_MTU = 1280;

/** How other routers are reached, in the words of the compiler. */
export function tunnelsOf({ site, dataplane }: RouterConfiguration): readonly Tunnel[] {
  return dataplane.tunnels.map((tunnel) => {
    const { locator, vni } = tunnel;
    const encapsulation = encapsulationOf(tunnel, site.locator);
    return {
      locator,
      ...(encapsulation === undefined ? {} : { encapsulation }),
      ...(vni === undefined ? {} : { vni }),
    };
  });
}

/** Whether a packet of 1280 octets, which nobody need make smaller, gets through. */
export function carriesLeastMtu(tunnel: Tunnel, tunnelMtu: number): boolean {
  return tunnelMtu >= LEAST_MTU + addedOctets(tunnel.encapsulation);
}

const FEATURES = { ipv6: "encapsulation", segments: "segments", vxlan: "vxlan" } as const satisfies Record<
  string,
  Feature
>;

/** What is configured of tunnels and the data plane does not do: where, and why in one sentence. */
export function tunnelsLacking(
  { dataplane: { tunnels, clampMss } }: RouterConfiguration,
  { cannot }: Pick<DataplaneDriver, "cannot">,
): readonly { readonly path: string; readonly reason: string }[] {
  const container = "/semrd-router:router/semrd-dataplane:dataplane/tunnels";
  const lacking = tunnels.flatMap(({ locator, encapsulation }) => {
    const reason = cannot.get(FEATURES[encapsulation]);
    return reason === undefined ? [] : [{ path: `${container}/tunnel[locator='${formatIpv6(locator)}']`, reason }];
  });
  const noClamp = clampMss ? cannot.get("mss-clamp") : undefined;
  return noClamp === undefined ? lacking : [...lacking, { path: `${container}/clamp-mss`, reason: noClamp }];
}

function encapsulationOf(tunnel: TunnelConfiguration, own: Uint8Array): Tunnel["encapsulation"] {
  switch (tunnel.encapsulation) {
    case "ipv6":
      return undefined;
    case "segments":
      return { kind: "segments", waypoints: tunnel.segments };
    case "vxlan": {
      const destination = tunnel.innerMac ?? macOf(tunnel.locator);
      return { kind: "vxlan", vni: tunnel.vni!, destination, source: macOf(own) }; // a condition of the model
    }
  }
}

/** A locally administered Ethernet address of a router. FNV-1a over the locator. */
function macOf(locator: Uint8Array): Uint8Array {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 0);
  for (const [place, basis] of [0x811c9dc5, 0x050c5d1f].entries()) {
    const hash = locator.reduce((value, octet) => Math.imul(value ^ octet, 0x01000193), basis);
    new DataView(mac.buffer).setUint16(2 * place + 2, hash >>> 16);
    mac[1]! ^= hash >>> 8;
  }
  return mac;
}
