import type { TunnelConfiguration } from "../configuration/dataplane.ts";
import { addressOf, macAddressOf } from "./values.ts";

/** An entry of `tunnels` in `semrd-dataplane`. */
export interface TunnelInstance {
  readonly locator: string;
  readonly encapsulation: TunnelConfiguration["encapsulation"];
  readonly segment?: readonly string[];
  readonly vni?: number;
  readonly "inner-mac"?: string;
}

export function bindTunnel(tunnel: TunnelInstance): TunnelConfiguration {
  const { locator, encapsulation, segment = [], vni, "inner-mac": innerMac } = tunnel;
  return {
    locator: addressOf(locator),
    encapsulation,
    segments: segment.map(addressOf),
    ...(vni === undefined ? {} : { vni }),
    ...(innerMac === undefined ? {} : { innerMac: macAddressOf(innerMac) }),
  };
}
