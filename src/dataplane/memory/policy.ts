import { type Ipv6Address, prefixContains } from "../../base/index.ts";
import type { PolicyIndex } from "../../forwarding/index.ts";
import { entryFor } from "./choice.ts";
import type { Effect, Outcome, PassPort } from "./outcome.ts";
import { Ipv6Packet, u16 } from "./packet.ts";
import { dropFragment, isRefusedFragment, rejectWithError, UNREACHABLE } from "./reject.ts";
import { drop, type FlowWalk, type Walk } from "./walk.ts";

/** Whose source it is at a port; `undefined`: nobody's. The longest prefix counts. */
export function tenantBehind({ sources, tenantIndex }: PassPort, source: Ipv6Address): number | undefined {
  if (sources === undefined) return tenantIndex;
  const under = sources.filter(({ prefix }) => prefixContains(prefix, source));
  return under.toSorted((a, b) => b.prefix.length - a.prefix.length)[0]?.tenantIndex;
}

type Marks = Pick<Walk, "tag" | "dscp">;

type Policed =
  | { readonly type: "goes-on"; readonly marks: Marks; readonly effects: readonly Effect[] }
  | { readonly type: "refused"; readonly outcome: Outcome; readonly effects: readonly Effect[] };

/** What policies say of a client's packet: first its tenant's, then those of the capability, whose marks win. */
export function police(walk: FlowWalk): Policed {
  const { state, port, packet } = walk;
  const octets = packet.octets.length;
  const counted = (as: "sent" | "denied" | "limited"): Effect => {
    return { type: "count-tenant", tenantIndex: port.tenantIndex, as, octets };
  };
  const capability = entryFor(state.plan, packet.destination, walk);
  const policy = capability?.policy ?? 0;
  const isForeign = u16(packet.destination, 6) !== port.tenantIndex;

  const own = apply(walk, state.plan.policyOfTenant(port.tenantIndex));
  if (own.limited) return limited(walk, "drop-tenant-rate", [...own.effects, counted("limited")]);
  if (isForeign && !state.plan.isAllowed(policy, port.tenantIndex)) {
    const outcome = packet.fragment
      ? dropFragment(walk)
      : rejectWithError(walk, "reject-tenant", { type: 1, code: UNREACHABLE.noRoute });
    return { type: "refused", outcome, effects: [...own.effects, counted("denied")] };
  }
  if (isRefusedFragment(walk)) return { type: "refused", outcome: dropFragment(walk), effects: own.effects };
  const theirs = apply(walk, policy);
  const effects = [...own.effects, ...theirs.effects];
  if (theirs.limited) return limited(walk, "drop-capability-rate", [...effects, counted("limited")]);
  const marks = { tag: walk.tag, ...own.marks, ...theirs.marks };
  return { type: "goes-on", marks, effects: capability === undefined ? effects : [...effects, counted("sent")] };
}

function limited(walk: Walk, verdict: "drop-tenant-rate" | "drop-capability-rate", effects: Effect[]): Policed {
  return { type: "refused", outcome: drop(verdict, walk.input.frame), effects };
}

interface Applied {
  readonly limited: boolean;
  readonly marks: Partial<Marks>;
  readonly effects: readonly Effect[];
}

function apply({ state, packet }: FlowWalk, index: PolicyIndex): Applied {
  const policy = index === 0 ? undefined : state.plan.policy(index);
  if (policy === undefined) return { limited: false, marks: {}, effects: [] };
  const octets = packet.octets.length;
  const left = state.left(index);
  const isOver =
    (policy.packets !== undefined && left.packets < 1) ||
    // one packet may be larger than the burst: then all of it must be there
    (policy.bits !== undefined && left.octets < Math.min(octets, policy.bits.burst));
  const { dscp, tag } = policy;
  return {
    limited: isOver,
    marks: { ...(dscp === undefined ? {} : { dscp }), ...(tag === undefined ? {} : { tag }) },
    effects: [{ type: "apply-policy", policy: index, octets, limited: isOver }],
  };
}

/** The packet with another DSCP; the two bits of ECN stay. @see RFC 2474 §3, RFC 3168 §5 */
export function marked(packet: Ipv6Packet, dscp: number | undefined): Ipv6Packet {
  if (dscp === undefined) return packet;
  const { octets } = packet.copy();
  octets[0] = (octets[0]! & 0xf0) | (dscp >> 2);
  octets[1] = (octets[1]! & 0x3f) | ((dscp & 3) << 6);
  return new Ipv6Packet(octets);
}
