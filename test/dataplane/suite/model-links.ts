import { octetsEqual, parseIpv6Prefix, prefixContains } from "../../../src/base/index.ts";
import { Ipv6Packet } from "../../../src/dataplane/memory/packet.ts";
import { ethernet } from "../memory/frames.ts";
import { OWN_LOCATOR } from "../memory/story.ts";
import { portOf } from "./links.ts";
import type { Arrival, Side } from "./world.ts";

const BEHIND: readonly (readonly [Side, string])[] = [
  ["client", "2001:db8:c::/64"],
  ["agent", "2001:db8:a::/64"],
  ["core", "2001:db8:f::/64"],
  ["core", "2001:db8:e::/64"],
];
const ROUTES = BEHIND.map(([side, prefix]) => [side, parseIpv6Prefix(prefix)!] as const);

/** Where and as what a packet comes in at a model of the router. */
export function frameFrom(side: Side, packet: Uint8Array): { readonly interface: string; readonly frame: Uint8Array } {
  return { interface: portOf(side), frame: ethernet(packet) };
}

/** What the model said of a frame; `reply` goes back where it came from. */
export interface ModelOutcome {
  readonly action: "pass" | "forward" | "reply" | "drop";
  readonly frame: Uint8Array;
}

/** What comes out for it, with the routes that `links.ts` gives the kernel: the part of the stack is played here. */
export function whereTo(from: Side, { action, frame }: ModelOutcome): readonly Arrival[] {
  if (action === "drop") return [];
  const packet = frame.slice(14);
  if (action === "reply") return [{ at: from, packet }];
  const { destination, payloadLength } = new Ipv6Packet(packet);
  if (octetsEqual(destination, OWN_LOCATOR)) return [];
  const route = ROUTES.find(([, prefix]) => prefixContains(prefix, destination));
  return route === undefined ? [] : [{ at: route[0], packet: packet.subarray(0, 40 + payloadLength) }];
}
