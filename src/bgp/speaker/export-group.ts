import type { Ipv6Address } from "../../base/index.ts";
import type { AttributeSet } from "../../rib/index.ts";
import {
  defaultPolicy,
  type ExportFacts,
  exportRefusal,
  exportSet,
  type PolicyPeer,
  type RoutePolicy,
} from "../policy/index.ts";
import type { Agreement } from "../session/index.ts";
import { type AttributeCodec, type AttributeContext, CAPABILITY_SITE_LENGTH, UpdateEncoder } from "../wire/index.ts";
import type { PeerOptions, SpeakerOptions } from "./options.ts";

/** An attribute set as the peers of a group get it, or why they do not. */
export type Exported =
  | { readonly ok: true; readonly attributes: Uint8Array; readonly nextHop: Ipv6Address }
  | { readonly ok: false; readonly reason: string };

/** Peers that are told the same: a set is judged and encoded once for all of them. */
export class ExportGroup {
  readonly #codec: AttributeCodec;
  readonly #context: AttributeContext;
  readonly #facts: ExportFacts;
  readonly #policy: RoutePolicy;
  readonly #peer: PolicyPeer;
  readonly #known = new WeakMap<AttributeSet, Exported>();
  /** By the identifier of the neighbour that they came from, which becomes the originator. */
  readonly #reflected = new WeakMap<AttributeSet, Map<number, Exported>>();

  constructor(
    codec: AttributeCodec,
    context: AttributeContext,
    facts: ExportFacts,
    policy: RoutePolicy,
    peer: PolicyPeer,
  ) {
    this.#codec = codec;
    this.#context = context;
    this.#facts = facts;
    this.#policy = policy;
    this.#peer = peer;
  }

  /** @param reflectedFrom see `exportSet` */
  of(set: AttributeSet, reflectedFrom: number | undefined): Exported {
    if (reflectedFrom !== undefined) return this.#reflection(set, reflectedFrom);
    const known = this.#known.get(set);
    if (known !== undefined) return known;
    const exported = this.#export(set, undefined);
    this.#known.set(set, exported);
    return exported;
  }

  #reflection(set: AttributeSet, reflectedFrom: number): Exported {
    const bySource = this.#reflected.get(set) ?? new Map<number, Exported>();
    this.#reflected.set(set, bySource);
    const known = bySource.get(reflectedFrom);
    if (known !== undefined) return known;
    const exported = this.#export(set, reflectedFrom);
    bySource.set(reflectedFrom, exported);
    return exported;
  }

  #export(set: AttributeSet, reflectedFrom: number | undefined): Exported {
    const refusal = exportRefusal(set, this.#facts.kind);
    if (refusal !== undefined) return { ok: false, reason: refusal };
    const verdict = this.#policy(set, this.#peer);
    if (verdict.verdict === "reject") return { ok: false, reason: verdict.reason };
    const sent = exportSet(verdict.verdict === "replace" ? verdict.attributes : set, this.#facts, reflectedFrom);
    const attributes = this.#codec.encode(sent, this.#context);
    if (!UpdateEncoder.fits(attributes, CAPABILITY_SITE_LENGTH)) return { ok: false, reason: "too-large" };
    return { ok: true, attributes, nextHop: sent.nextHop };
  }
}

/** The update groups of a speaker: sessions with the same facts and no policy of their own share one. */
export class ExportGroups {
  readonly #codec: AttributeCodec;
  readonly #speaker: SpeakerOptions;
  readonly #shared = new Map<string, ExportGroup>();

  constructor(codec: AttributeCodec, speaker: SpeakerOptions) {
    this.#codec = codec;
    this.#speaker = speaker;
  }

  of(peer: PeerOptions, agreed: Agreement): ExportGroup {
    if (peer.exportPolicy !== undefined) return this.#create(peer, agreed, peer.exportPolicy);
    const key = `${agreed.kind} ${agreed.asWidth} ${peer.nextHopSelf ?? false}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const created = this.#create(
      peer,
      agreed,
      defaultPolicy({ acceptExternal: this.#speaker.acceptExternal ?? false }),
    );
    this.#shared.set(key, created);
    return created;
  }

  #create(peer: PeerOptions, agreed: Agreement, policy: RoutePolicy): ExportGroup {
    const { kind, asWidth } = agreed;
    const { localAs, nextHop, bgpIdentifier, clusterId = bgpIdentifier } = this.#speaker;
    const nextHopSelf = peer.nextHopSelf ?? false;
    const facts: ExportFacts = { kind, localAs, ownNextHop: nextHop, nextHopSelf, clusterId };
    const policyPeer = { address: peer.address, kind, remoteAs: peer.remoteAs };
    return new ExportGroup(this.#codec, { asWidth, internal: kind === "internal" }, facts, policy, policyPeer);
  }
}
