import { addedOctets } from "../../forwarding/index.ts";
import { entryFor } from "./choice.ts";
import { clampMss, isClamped } from "./clamp.ts";
import { flowBackOf } from "./flow-key.ts";
import { chooseSite } from "./forward.ts";
import type { Outcome } from "./outcome.ts";
import { concatenate, IPV6_LENGTH, Ipv6Packet, type Layer4, Protocol, parseLayer4 } from "./packet.ts";
import { errorAbout, LEAST_MTU, tooBig } from "./reject.ts";
import { intoTunnel } from "./tunnel.ts";
import { drop, pass, type Walk } from "./walk.ts";

/** Not out of a tunnel. */
const FROM_A_LINK = { decapsulated: false } as const;

/**
 * Step 7: what comes from a capability and goes on to its client. The stack forwards it, but its "too big" would follow the
 * kernel's routes, which know no capability; so the pass says it, through the tunnel that the client's packets take.
 */
export function through(walk: Walk): Outcome {
  const { state, input, found } = walk;
  const length = IPV6_LENGTH + walk.packet.payloadLength;
  if (length > found.length) return pass(input.frame);
  const packet = new Ipv6Packet(found.subarray(0, length));
  const { nextHeader, hopLimit, source, destination } = packet;
  const layer4 = parseLayer4(packet);
  if (layer4 === undefined || (nextHeader !== Protocol.Tcp && nextHeader !== Protocol.Udp)) return pass(input.frame);
  if (isClamped({ ...walk, packet })) return clampBack({ ...walk, packet }, layer4);
  if (length <= LEAST_MTU || hopLimit <= 1 || input.superPacket === true) return pass(input.frame);
  const link = state.route(destination);
  if (link === undefined || length <= link.mtu) return pass(input.frame);

  const capability = entryFor(state.plan, source, FROM_A_LINK);
  // which site a datagram without affinity was for, nobody knows
  if (capability === undefined || (layer4.protocol === Protocol.Udp && capability.affinity === "none"))
    return pass(input.frame);
  const flow = flowBackOf(packet, layer4, { ...state, affinity: capability.affinity });
  const { choice, effects } = chooseSite({ state, flow, layer4 }, capability.group);
  if (choice?.target.kind !== "tunnel") return { ...pass(input.frame), effects };
  const said = errorAbout({ ...walk, packet }, tooBig(link.mtu));
  if (typeof said === "string") return { ...drop(said, input.frame), effects };
  const tunnelled = intoTunnel(said.oneHopFurther(), state.locator, choice.target, flow, 0);
  const wayThere = state.route(tunnelled.destination);
  const most = Math.min(state.tunnelMtu, wayThere?.mtu ?? state.tunnelMtu);
  const isLost = tunnelled.octets.length > most || (input.hook === "tc" && wayThere === undefined);
  return {
    verdict: "reject-too-big",
    action: isLost ? "drop" : "forward",
    frame: concatenate(walk.ethernet, tunnelled.octets),
    effects: [...effects, { type: "take-token" }],
  };
}

/** The answer to a SYN: what the client then sends goes through the tunnel to the flow's site. */
function clampBack(walk: Walk, layer4: Layer4): Outcome {
  const { state, packet, input, found } = walk;
  const capability = entryFor(state.plan, packet.source, FROM_A_LINK);
  if (capability === undefined) return pass(input.frame);
  const flow = flowBackOf(packet, layer4, state);
  const { choice, effects } = chooseSite({ state, flow, layer4 }, capability.group);
  if (choice?.target.kind !== "tunnel") return { ...pass(input.frame), effects };
  const clamped = clampMss(walk, addedOctets(choice.target.encapsulation));
  const frame = concatenate(walk.ethernet, clamped.octets, found.subarray(packet.octets.length));
  return { ...pass(frame), effects };
}
