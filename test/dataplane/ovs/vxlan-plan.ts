import { fromHex } from "../../../src/base/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { udp } from "../memory/frames.ts";
import { OWN_LOCATOR } from "../memory/story.ts";
import type { TunnelKind } from "../suite/world.ts";

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

/** A packet in VXLAN, as another router's data plane sends it: without a UDP checksum (RFC 6935). */
export function inVxlanFrom(from: Uint8Array, packet: Uint8Array, vni: number = VXLAN.vni): Uint8Array {
  const data = new Uint8Array(8 + 14 + packet.length);
  const view = new DataView(data.buffer);
  view.setUint32(0, 0x08000000);
  view.setUint32(4, vni * 256);
  data.set(VXLAN.source, 8);
  data.set(VXLAN.destination, 14);
  view.setUint16(20, 0x86dd);
  data.set(packet, 22);
  const outer = udp({ source: from, destination: OWN_LOCATOR }, { sourcePort: 50_000, destinationPort: 4789, data });
  outer.fill(0, 46, 48);
  return outer;
}

/** Tunnels between routers with Open vSwitch. */
export const vxlan: TunnelKind = { wrap: (from, _to, packet) => inVxlanFrom(from, packet), overhead: 70 };
