import type { Ipv6Address } from "../../base/index.ts";
import type { AttributeId, AttributeSet, RouteFamily } from "../../rib/index.ts";
import {
  announceGracefulShutdown,
  defaultPolicy,
  type ExportFacts,
  exportRefusal,
  exportSet,
  type Hits,
  offeredSet,
  type PolicyPeer,
  type RoutePolicy,
  type Verdict,
} from "../policy/index.ts";
import type { Agreement } from "../session/index.ts";
import { type AttributeCodec, type AttributeContext, isMappedIpv4, LONGEST_KEY, UpdateEncoder } from "../wire/index.ts";
import type { PeerOptions, SpeakerOptions } from "./options.ts";
import { roleFor, updateLimit } from "./peer-parts.ts";

/** An attribute set as the peers of a group get it, or why they do not. */
export type Exported = (
  | { readonly ok: true; readonly attributes: Uint8Array; readonly nextHop: Ipv6Address }
  | { readonly ok: false; readonly reason: string }
) & { readonly hits?: Hits };

/** Policy asks for the key of the route as well. */
export interface KeyedExport {
  readonly ok: "by-key";
  of(key: Uint8Array, start: number): Exported;
}

interface Known {
  readonly set: AttributeSet;
  readonly exported: Exported | KeyedExport;
}

/** What a group is made for, besides what the session agreed on. */
export interface GroupFacts {
  readonly family: RouteFamily;
  /** This router, as next hop of this family on this session. */
  readonly ownNextHop: Ipv6Address;
}

/** What all groups of a speaker obey at the moment. */
export interface ExportMode {
  /** This router is about to go. @see RFC 8326 */
  readonly gracefulShutdown: boolean;
}

/** Peers that are told the same: a set is judged and encoded once for all of them. */
export class ExportGroup {
  readonly #codec: AttributeCodec;
  readonly #context: AttributeContext;
  readonly #facts: ExportFacts;
  readonly #policy: RoutePolicy;
  readonly #peer: PolicyPeer;
  readonly #agreed: Pick<Agreement, "extendedNextHop">;
  readonly #updateLimit: number;
  readonly #mode: () => ExportMode;
  /** In which mode the sets were judged that are known. */
  #knownIn: ExportMode | undefined;
  /** By the number of the set, which may stand for another set by now: then it is worked out anew. */
  #known: (Known | undefined)[] = [];
  /** By the identifier of the neighbour that they came from, which becomes the originator. */
  readonly #reflected = new WeakMap<AttributeSet, Map<number, Exported | KeyedExport>>();

  constructor(
    codec: AttributeCodec,
    context: AttributeContext,
    facts: ExportFacts,
    policy: RoutePolicy,
    peer: PolicyPeer,
    agreed: Pick<Agreement, "extendedNextHop"> & { readonly updateLimit: number },
    mode: () => ExportMode,
  ) {
    this.#codec = codec;
    this.#context = context;
    this.#facts = facts;
    this.#policy = policy;
    this.#peer = peer;
    this.#agreed = agreed;
    this.#updateLimit = agreed.updateLimit;
    this.#mode = mode;
  }

  /** @param reflectedFrom see `exportSet` */
  of(id: AttributeId, set: AttributeSet, reflectedFrom: number | undefined): Exported | KeyedExport {
    if (reflectedFrom !== undefined) return this.#reflection(set, reflectedFrom);
    const mode = this.#mode();
    if (this.#knownIn !== mode) this.#known = [];
    this.#knownIn = mode;
    const known = this.#known[id];
    if (known?.set === set) return known.exported;
    const exported = this.#export(set, undefined);
    this.#known[id] = { set, exported };
    return exported;
  }

  #reflection(set: AttributeSet, reflectedFrom: number): Exported | KeyedExport {
    const bySource = this.#reflected.get(set) ?? new Map<number, Exported | KeyedExport>();
    this.#reflected.set(set, bySource);
    const known = bySource.get(reflectedFrom);
    if (known !== undefined) return known;
    const exported = this.#export(set, reflectedFrom);
    bySource.set(reflectedFrom, exported);
    return exported;
  }

  #export(set: AttributeSet, reflectedFrom: number | undefined): Exported | KeyedExport {
    const refusal = exportRefusal(set, this.#facts);
    if (refusal !== undefined) return { ok: false, reason: refusal };
    const offered = this.#facts.transparent ? set : offeredSet(set, this.#facts.kind);
    const judgement = this.#policy(offered, this.#peer);
    if (judgement.verdict !== "by-key") return this.#carryOut(judgement, offered, reflectedFrom);
    const known = new Map<Verdict, Exported>();
    const of = (key: Uint8Array, start: number): Exported => {
      const verdict = judgement.of(key, start);
      const exported = known.get(verdict) ?? this.#carryOut(verdict, offered, reflectedFrom);
      known.set(verdict, exported);
      return exported;
    };
    return { ok: "by-key", of };
  }

  #carryOut(verdict: Verdict, offered: AttributeSet, reflectedFrom: number | undefined): Exported {
    const hits = verdict.hits === undefined ? {} : { hits: verdict.hits };
    if (verdict.verdict === "reject") return { ok: false, reason: verdict.reason, ...hits };
    const passed = exportSet(verdict.verdict === "replace" ? verdict.attributes : offered, this.#facts, reflectedFrom);
    // A reflector is not on the way of what it reflects.
    const isLeaving = this.#mode().gracefulShutdown && reflectedFrom === undefined;
    const sent = isLeaving ? announceGracefulShutdown(passed, this.#facts.kind) : passed;
    const { family } = this.#peer;
    const nextHopAttribute = family === "ipv4-unicast" && isMappedIpv4(sent.nextHop);
    if (!nextHopAttribute && !this.#mayBeNextHop(sent.nextHop))
      return { ok: false, reason: "next-hop-family", ...hits };
    const attributes = this.#codec.encode(sent, { ...this.#context, nextHopAttribute });
    if (!UpdateEncoder.fits(attributes, LONGEST_KEY[family], this.#updateLimit)) {
      return { ok: false, reason: "too-large", ...hits };
    }
    return { ok: true, attributes, nextHop: sent.nextHop, ...hits };
  }

  /** Whether this address can stand in MP_REACH_NLRI on this session. @see RFC 8950 §3 (IPv4 routes) */
  #mayBeNextHop(address: Ipv6Address): boolean {
    return !isMappedIpv4(address) && (this.#peer.family !== "ipv4-unicast" || this.#agreed.extendedNextHop);
  }
}

/** The update groups of a speaker: sessions with the same facts and the same policy share one, unless it looks at the neighbour. */
export class ExportGroups {
  readonly #codec: AttributeCodec;
  readonly #speaker: SpeakerOptions;
  readonly #default: RoutePolicy;
  readonly #shared = new WeakMap<RoutePolicy, Map<string, ExportGroup>>();
  #mode: ExportMode;

  constructor(codec: AttributeCodec, speaker: SpeakerOptions) {
    this.#codec = codec;
    this.#speaker = speaker;
    this.#default = defaultPolicy({ acceptExternal: speaker.acceptExternal ?? false });
    this.#mode = { gracefulShutdown: speaker.gracefulShutdown ?? false };
  }

  get mode(): ExportMode {
    return this.#mode;
  }

  /** What was told before has to be told again: `Output.replay`. */
  set mode(mode: ExportMode) {
    this.#mode = mode;
  }

  of(peer: PeerOptions, agreed: Agreement, facts: GroupFacts): ExportGroup {
    const policy = peer.exportPolicy ?? this.#default;
    if (policy.looksAtPeer !== false) return this.#create(peer, agreed, policy, facts);
    const shared = this.#shared.get(policy) ?? new Map<string, ExportGroup>();
    this.#shared.set(policy, shared);
    const { kind, asWidth, extendedNextHop } = agreed;
    const { nextHopSelf = false, routeServerClient = false } = peer;
    const takesLongLived = agreed.longLived !== undefined;
    const role = roleFor(facts.family, agreed, peer);
    const limit = updateLimit(peer, agreed);
    const session = [kind, asWidth, extendedNextHop, limit, takesLongLived, role];
    const key = [...session, nextHopSelf, routeServerClient, facts.family, facts.ownNextHop].join(" ");
    const known = shared.get(key);
    if (known !== undefined) return known;
    const created = this.#create(peer, agreed, policy, facts);
    shared.set(key, created);
    return created;
  }

  #create(peer: PeerOptions, agreed: Agreement, policy: RoutePolicy, group: GroupFacts): ExportGroup {
    const { kind, asWidth } = agreed;
    const { family, ownNextHop } = group;
    const { localAs, bgpIdentifier, clusterId = bgpIdentifier } = this.#speaker;
    const nextHopSelf = peer.nextHopSelf ?? false;
    const transparent = kind === "external" && peer.routeServerClient === true && family !== "capability";
    const role = roleFor(family, agreed, peer);
    const session = { kind, localAs, ownNextHop, nextHopSelf, clusterId, transparent };
    const takesLongLived = agreed.longLived !== undefined;
    const facts: ExportFacts = { ...session, takesLongLived, ...(role === undefined ? {} : { role }) };
    const policyPeer: PolicyPeer = { address: peer.address, kind, remoteAs: peer.remoteAs, family, ownNextHop };
    const context = { asWidth, internal: kind === "internal" };
    const limits = { extendedNextHop: agreed.extendedNextHop, updateLimit: updateLimit(peer, agreed) };
    return new ExportGroup(this.#codec, context, facts, policy, policyPeer, limits, () => this.#mode);
  }
}
