import type { BrownfieldConfiguration, NeighborBrownfieldConfiguration } from "../configuration/bgp.ts";
import type { BgpBrownfield, NeighborBrownfield } from "../schema/instance/semrd-brownfield.ts";

export function bindBrownfield(brownfield: BgpBrownfield | undefined): BrownfieldConfiguration {
  const code = brownfield?.["payload-attribute"];
  return {
    ...(code === undefined ? {} : { payloadAttribute: code }),
    gateway: brownfield?.gateway ?? false,
    labels: (brownfield?.label ?? []).map(({ name, namespace, bit }) => ({ text: name, namespace, bit })),
  };
}

/** @param families names of those that are configured, which are then exchanged beyond the domain's prefix */
export function bindNeighborBrownfield(
  brownfield: NeighborBrownfield,
  families: readonly string[],
): NeighborBrownfieldConfiguration {
  const { "no-export": noExport, payload } = brownfield;
  return { noExport, payload, otherPrefixes: families.includes("ipv6-unicast") };
}
