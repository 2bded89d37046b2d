import { fromHex } from "../../../src/base/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";

export const VXLAN = {
  kind: "vxlan",
  vni: 0x5e5e,
  destination: fromHex("025e00000002"),
  source: fromHex("025e00000001"),
} as const;

/** The same operation with tunnels in VXLAN, unless they say what they are. */
export function inVxlan(operation: Operation): Operation {
  if (operation.type === "set-node") return { ...operation, vni: VXLAN.vni };
  if (operation.type !== "set-next-hop" || operation.nextHop.kind !== "tunnel") return operation;
  return { ...operation, nextHop: { encapsulation: VXLAN, ...operation.nextHop } };
}
