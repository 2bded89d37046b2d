import { formatIpv6, formatIpv6Prefix } from "../../base/index.ts";
import type { AttributeTable } from "../../rib/index.ts";
import {
  type Adjacency,
  atBorder,
  defaultPolicy,
  type ExportFacts,
  membershipPolicy,
  type PolicyPeer,
  type RoutePolicy,
} from "../policy/index.ts";
import type { Agreement } from "../session/index.ts";
import type { AttributeCodec } from "../wire/index.ts";
import { ExportGroup, type ExportMode, type GroupFacts } from "./export-group.ts";
import type { PeerOptions, SpeakerOptions } from "./options.ts";
import { localAsTowards, roleFor, updateLimit } from "./peer-parts.ts";

/** Groups that are in use, by what they are made of: a session holds on to its own, and nobody else does. */
type Shared = Map<string, WeakRef<ExportGroup>>;

/** The update groups of a speaker: sessions with the same facts and the same policy share one, unless it looks at the neighbour. */
export class ExportGroups {
  readonly #codec: AttributeCodec;
  readonly #attributes: AttributeTable;
  #speaker: SpeakerOptions;
  readonly #default: RoutePolicy;
  #shared = new WeakMap<RoutePolicy, Shared>();
  /** Of those that are in no use any more not even the names stay. */
  readonly #unused = new FinalizationRegistry<{ readonly shared: Shared; readonly key: string }>(({ shared, key }) => {
    if (shared.get(key)?.deref() === undefined && shared.delete(key)) this.#sharedCount--;
  });
  #sharedCount = 0;
  #mode: ExportMode;
  /** Of clients with clusters of their own, by BGP identifier. Groups keep the one that they were made with. */
  #clusters = new Map<number, number>();

  constructor(codec: AttributeCodec, attributes: AttributeTable, speaker: SpeakerOptions) {
    this.#codec = codec;
    this.#attributes = attributes;
    this.#speaker = speaker;
    this.#default = defaultPolicy({ acceptExternal: speaker.acceptExternal ?? false });
    this.#mode = { gracefulShutdown: speaker.gracefulShutdown ?? false };
  }

  /** What is told from now on is made by other options; who was told before goes on with its group until it is regrouped. */
  speakerChanged(speaker: SpeakerOptions): void {
    this.#speaker = speaker;
    this.#shared = new WeakMap();
  }

  /** A client of this cluster has come: groups that there are learn of it, as nothing of its routes has been told yet. */
  met(identifier: number, clusterId: number): void {
    this.#clusters.set(identifier, clusterId);
  }

  /** Clients are in other clusters than before; as with `speakerChanged`. */
  regroup(clusters: Iterable<readonly [number, number]>): void {
    this.#clusters = new Map(clusters);
    this.#shared = new WeakMap();
  }

  /** Groups that sessions share, as far as the garbage collector has looked. */
  get sharedCount(): number {
    return this.#sharedCount;
  }

  get mode(): ExportMode {
    return this.#mode;
  }

  /** What was told before has to be told again: `Output.replay`. */
  set mode(mode: ExportMode) {
    this.#mode = mode;
  }

  of(peer: PeerOptions, agreed: Agreement, facts: GroupFacts): ExportGroup {
    if (facts.family === "route-target") {
      return this.#create(peer, agreed, membershipPolicy({ isClient: peer.reflectorClient === true }), facts);
    }
    const policy = peer.exportPolicy ?? this.#default;
    if (policy.looksAtPeer !== false) return this.#create(peer, agreed, policy, facts);
    const shared: Shared = this.#shared.get(policy) ?? new Map();
    this.#shared.set(policy, shared);
    const { kind, asWidth, extendedNextHop } = agreed;
    const { nextHopSelf = false, nextHopUnchanged = false, routeServerClient = false } = peer;
    const takesLongLived = agreed.longLived !== undefined;
    const role = roleFor(facts.family, agreed, peer);
    const limit = updateLimit(peer, agreed) - facts.overhead;
    const session = [kind, asWidth, extendedNextHop, limit, takesLongLived, role];
    const { ownNextHop, ownLinkLocal, link } = facts;
    const nextHop = [nextHopSelf, nextHopUnchanged, ownNextHop, ownLinkLocal, link && linkKey(link)];
    const key = [...session, ...nextHop, routeServerClient, peer.clusterId, facts.family].join(" ");
    const known = shared.get(key)?.deref();
    if (known !== undefined) return known;
    const created = this.#create(peer, agreed, policy, facts);
    if (!shared.has(key)) this.#sharedCount++;
    shared.set(key, new WeakRef(created));
    this.#unused.register(created, { shared, key });
    return created;
  }

  #create(peer: PeerOptions, agreed: Agreement, policy: RoutePolicy, group: GroupFacts): ExportGroup {
    const { kind, asWidth } = agreed;
    const { family, ownNextHop, link } = group;
    const { bgpIdentifier, clusterId: own = bgpIdentifier } = this.#speaker;
    const clusterId = peer.clusterId ?? own;
    const clusters = this.#clusters;
    const localAs = localAsTowards(kind, this.#speaker);
    const nextHopSelf = peer.nextHopSelf ?? false;
    const transparent = kind === "external" && peer.routeServerClient === true && family !== "capability";
    const role = roleFor(family, agreed, peer);
    const session = { kind, localAs, ownNextHop, nextHopSelf, clusterId, transparent };
    const takesLongLived = agreed.longLived !== undefined;
    const passUnknownTlvs = this.#speaker.passUnknownTlvs ?? false;
    const facts: ExportFacts = {
      ...{ ...session, takesLongLived, passUnknownTlvs },
      clusterOf: (identifier) => clusters.get(identifier),
      ...(role === undefined ? {} : { role }),
      ...(peer.nextHopUnchanged === true ? { nextHopUnchanged: true } : {}),
      ...(link === undefined ? {} : { link }),
    };
    const policyPeer: PolicyPeer = { address: peer.address, kind, remoteAs: peer.remoteAs, family, ownNextHop };
    const context = { asWidth, internal: kind === "internal", confederation: kind === "confederation" };
    const { extendedNextHop } = agreed;
    const { ownLinkLocal, overhead } = group;
    const limits = { extendedNextHop, ownLinkLocal, updateLimit: updateLimit(peer, agreed) - overhead };
    const isBorder = kind === "external" && family === "capability";
    return new ExportGroup(
      this.#codec,
      this.#attributes,
      context,
      facts,
      policy,
      policyPeer,
      limits,
      () => this.#mode,
      isBorder ? atBorder(this.#speaker.isSuppressed) : undefined,
    );
  }
}

/** Who is on the link, and what is: with other addresses of the interface others are third parties. */
function linkKey({ neighbor, subnets }: Adjacency): string {
  return [formatIpv6(neighbor), ...subnets.map(formatIpv6Prefix).sort()].join(",");
}
