export interface RouteLeaseRow {
  /** Decimal text. */
  readonly sequence: string;
  /** Negative once it has run out. */
  readonly remainingSeconds: number;
  readonly renewSeconds: number;
}

/** One path of the Loc-RIB or an Adj-RIB-In. */
export interface RouteRow {
  readonly type: "site" | "instance" | "prefix" | "agent";
  /**
   * What it is about: the capability's name, or its ID in hexadecimal when no name is known; `/vision/...` for names below a
   * prefix; the agent's ID, or `agent` and its hash where only that is known.
   */
  readonly capability: string;
  /** Of sites and instances, in hexadecimal. */
  readonly capabilityId?: string;
  /** 16 hexadecimal digits. */
  readonly instanceId?: string;
  /** The hash of the agent's ID, in hexadecimal. */
  readonly agentId?: string;
  /** The tenant's name, or its route distinguisher when it is not one of ours. */
  readonly tenant: string;
  /** Router ID of the originating site. */
  readonly origin: string;
  readonly nextHop: string;
  /** "local", or the name of the peer. */
  readonly peer: string;
  /** With which the peer sent this path, where it sends several. */
  readonly pathId?: number;
  readonly local: boolean;
  /** Role in the capability group. */
  readonly status: "best" | "group" | "excluded";
  readonly stale: boolean;
  /** The decision step that gave it this role. */
  readonly step?: string;
  readonly weight: number;
  /** CATS Level 2 metric, 0 (worst) to 10. */
  readonly score?: number;
  readonly siteState?: "up" | "degraded" | "draining" | "down";
  /** `major.minor`. */
  readonly version?: string;
  readonly labels: readonly string[];
  readonly lease?: RouteLeaseRow;
  /** What the sites that the route stands for add up to. */
  readonly aggregate?: {
    readonly count: number;
    readonly minimum: number;
    readonly mean: number;
    readonly maximum: number;
  };
  readonly localPref?: number;
  readonly multiExitDisc?: number;
  /** Router ID of where the route entered the AS, when a route reflector passed it on. */
  readonly originatorId?: string;
  /** Of the reflectors that it went through, the latest first. */
  readonly clusterList?: readonly string[];
  /** As text: `65001 65002 {65003 65004}`; empty inside an AS. */
  readonly asPath: string;
  /** `65000:1`, `no-export`, `target:65000:1`, … */
  readonly communities: readonly string[];
  readonly ageSeconds: number;
}

/** One path to one prefix. */
export interface UnicastRouteRow {
  /** `2001:db8::/32`, `192.0.2.0/24`. */
  readonly prefix: string;
  readonly nextHop: string;
  /** "local", or the name of the peer. */
  readonly peer: string;
  /** With which the peer sent this path, where it sends several. */
  readonly pathId?: number;
  readonly local: boolean;
  /** Whether it is the path that is passed on. */
  readonly status: "best" | "other";
  readonly stale: boolean;
  /** The decision step that put it out; absent for the best. */
  readonly step?: string;
  readonly origin: "igp" | "egp" | "incomplete";
  readonly localPref?: number;
  readonly multiExitDisc?: number;
  readonly asPath: string;
  readonly communities: readonly string[];
  /** valid, invalid or not-found; absent where origins are not validated. */
  readonly rpki?: string;
  readonly ageSeconds: number;
}

/** A route between this router and one neighbour: as it came, before import policy, or as it goes, after export policy. */
export interface ExchangedRouteRow {
  readonly type: "prefix" | "site" | "instance" | "names" | "agent";
  /** `2001:db8::/32`; what a capability route is about, as in {@link RouteRow}. */
  readonly route: string;
  /** Of capability routes. */
  readonly tenant?: string;
  /** Of capability routes: router ID of the originating site. */
  readonly originId?: string;
  readonly pathId?: number;
  /** Of a received one: accepted, changed, refused; of one that goes: told, not-told, pending. */
  readonly outcome: "accepted" | "changed" | "refused" | "told" | "not-told" | "pending";
  /** Why it was refused, or is not told. */
  readonly reason?: string;
  /** Of one that goes: "local", or the name of the peer that it came from. */
  readonly from?: string;
  /** Of a received one. */
  readonly ageSeconds?: number;
  /** The following ones as the neighbour says them, or is told them; as they are here where it is not told. */
  readonly nextHop: string;
  /** Of one that is told: this router on the link that it shares with the neighbour, said behind that. */
  readonly linkLocal?: string;
  readonly origin: "igp" | "egp" | "incomplete";
  readonly localPref?: number;
  readonly multiExitDisc?: number;
  readonly asPath: string;
  readonly communities: readonly string[];
  /** Of capability routes. */
  readonly score?: number;
}
