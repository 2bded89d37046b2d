import { type Clock, type Milliseconds, milliseconds } from "../base/index.ts";
import type { BfdPathStatus } from "../bfd/index.ts";
import type { PolicyBook, StatementHits } from "../bgp/policy/index.ts";
import type { PeerStatus } from "../bgp/speaker/index.ts";
import { ResetCounters, type SinceReset } from "./reset-counters.ts";

type PeerCounts = Readonly<Record<string, number>>;
type BfdCounts = Pick<BfdPathStatus, (typeof OF_BFD)[number]>;

const OF_PEER = [
  ...(["messagesReceived", "messagesSent", "updatesReceived", "updatesSent"] as const),
  ...(["establishedTransitions", "flaps", "refusedConnections"] as const),
  ...(["opensReceived", "opensSent", "keepalivesReceived", "keepalivesSent"] as const),
  ...(["refreshesReceived", "refreshesSent"] as const),
  ...(["notificationsReceived", "notificationsSent", "treatedAsWithdraw", "attributesDiscarded"] as const),
] as const;
const BY_REASON = ["routesRefused", "routesWithheld"] as const;
const OF_BFD = ["downs", "failures", "sent", "received"] as const;

interface Parts {
  readonly speaker: { peers(): Iterable<PeerStatus> } | undefined;
  readonly bfd: { status(peer: string): BfdPathStatus | undefined } | undefined;
  /** That in use now. */
  readonly policies: () => Pick<PolicyBook, "hits">;
}

/** A neighbour, with its counters and those of its path (BFD) since they were last reset. */
export interface CountedPeer {
  readonly peer: PeerStatus;
  readonly bfd: BfdPathStatus | undefined;
  readonly discontinuity: Milliseconds;
}

/** What sessions, and statements of policies, have counted since an operator last reset that. */
export class EventCounters {
  readonly #parts: Parts;
  readonly #peers: ResetCounters<PeerCounts>;
  readonly #paths: ResetCounters<Partial<BfdCounts>>;
  readonly #statements: ResetCounters<Pick<StatementHits, "sets" | "routes">>;

  constructor(parts: Parts, clock: Clock) {
    this.#parts = parts;
    this.#peers = new ResetCounters(clock);
    this.#paths = new ResetCounters(clock);
    this.#statements = new ResetCounters(clock);
  }

  *peers(): Generator<CountedPeer> {
    const { speaker, bfd } = this.#parts;
    const all = Array.from(speaker?.peers() ?? []);
    const byName = (peer: PeerStatus): string => peer.address;
    const paths = this.#paths.view(all, byName, ({ address }) => bfdCounts(bfd?.status(address)));
    for (const [peer, own] of this.#peers.view(all, byName, peerCounts)) {
      const [, path] = paths.next().value as [PeerStatus, SinceReset<Partial<BfdCounts>>];
      const status = bfd?.status(peer.address);
      yield {
        peer: { ...peer, ...countsOf(own.counts) },
        bfd: status && { ...status, ...path.counts },
        discontinuity: milliseconds(Math.max(own.discontinuity, path.discontinuity)),
      };
    }
    paths.next(); // so that it forgets what is gone
  }

  *hits(): Generator<StatementHits & { readonly discontinuity: Milliseconds }> {
    const all = this.#parts.policies().hits();
    for (const [hits, { counts, discontinuity }] of this.#statements.view(all, nameOf, hitCounts))
      yield { ...hits, ...counts, discontinuity };
  }

  /** Those of one neighbour, or of all; `undefined`: there is none of that address. */
  resetPeers(address?: string): Milliseconds | undefined {
    const { speaker, bfd } = this.#parts;
    const meant = Array.from(speaker?.peers() ?? []).filter(
      (peer) => address === undefined || peer.address === address,
    );
    if (address !== undefined && meant.length === 0) return undefined;
    this.#paths.reset(meant.map((peer) => [peer.address, bfdCounts(bfd?.status(peer.address))]));
    return this.#peers.reset(meant.map((peer) => [peer.address, peerCounts(peer)]));
  }

  /** Those of the statements of one policy, or of all. */
  resetPolicies(policy?: string): Milliseconds {
    const meant = Array.from(this.#parts.policies().hits()).filter(
      (one) => policy === undefined || one.policy === policy,
    );
    return this.#statements.reset(meant.map((one) => [nameOf(one), hitCounts(one)]));
  }
}

/** Those by reason have names of their own: `routesRefused as-loop`. */
const peerCounts = (peer: PeerStatus): PeerCounts =>
  Object.fromEntries([
    ...OF_PEER.map((name) => [name, peer[name]] as const),
    ...BY_REASON.flatMap((name) =>
      Array.from(peer[name], ([reason, routes]) => [`${name} ${reason}`, routes] as const),
    ),
  ]);

function countsOf(counts: PeerCounts): Pick<PeerStatus, (typeof OF_PEER)[number] | (typeof BY_REASON)[number]> {
  const own = Object.fromEntries(OF_PEER.map((name) => [name, counts[name]!])) as Record<
    (typeof OF_PEER)[number],
    number
  >;
  const byReason = (name: (typeof BY_REASON)[number]): ReadonlyMap<string, number> =>
    new Map(
      Object.entries(counts).flatMap(([key, routes]) => {
        const [of, reason] = key.split(" ") as [string, string | undefined];
        return of === name && reason !== undefined && routes > 0 ? [[reason, routes] as const] : [];
      }),
    );
  return { ...own, routesRefused: byReason("routesRefused"), routesWithheld: byReason("routesWithheld") };
}
const bfdCounts = (status: BfdPathStatus | undefined): Partial<BfdCounts> =>
  status === undefined ? {} : (Object.fromEntries(OF_BFD.map((name) => [name, status[name]])) as BfdCounts);
const hitCounts = ({ sets, routes }: StatementHits) => ({ sets, routes });
const nameOf = ({ policy, statement }: StatementHits): string => JSON.stringify([policy, statement]);
