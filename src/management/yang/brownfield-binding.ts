import type { BrownfieldConfiguration, NeighborBrownfieldConfiguration } from "../configuration/bgp.ts";

/** The shape of semrd-brownfield in a validated document with all defaults: what it adds to BGP, and to a neighbour. */
export interface BrownfieldInstance {
  readonly "payload-attribute"?: number;
  readonly gateway: boolean;
  readonly label?: readonly { readonly name: string; readonly namespace: number; readonly bit: number }[];
}

export interface NeighborBrownfieldInstance {
  readonly "no-export": boolean;
  readonly payload: boolean;
}

export function bindBrownfield(brownfield: BrownfieldInstance | undefined): BrownfieldConfiguration {
  const code = brownfield?.["payload-attribute"];
  return {
    ...(code === undefined ? {} : { payloadAttribute: code }),
    gateway: brownfield?.gateway ?? false,
    labels: (brownfield?.label ?? []).map(({ name, namespace, bit }) => ({ text: name, namespace, bit })),
  };
}

/** @param families names of those that are configured, which are then exchanged beyond the domain's prefix */
export function bindNeighborBrownfield(
  brownfield: NeighborBrownfieldInstance,
  families: readonly string[],
): NeighborBrownfieldConfiguration {
  const { "no-export": noExport, payload } = brownfield;
  return { noExport, payload, otherPrefixes: families.includes("ipv6-unicast") };
}
