import type { TunnelConfiguration } from "../configuration/dataplane.ts";
import type { Tunnel } from "../schema/instance/semrd-dataplane.ts";
import { addressOf, macAddressOf } from "./values.ts";

export function bindTunnel(tunnel: Tunnel): TunnelConfiguration {
  const { locator, encapsulation, segment = [], vni, "inner-mac": innerMac } = tunnel;
  return {
    locator: addressOf(locator),
    encapsulation,
    segments: segment.map(addressOf),
    ...(vni === undefined ? {} : { vni }),
    ...(innerMac === undefined ? {} : { innerMac: macAddressOf(innerMac) }),
  };
}
