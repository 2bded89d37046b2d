export interface ExplainCandidate {
  readonly origin: string;
  readonly originName?: string;
  readonly nextHop: string;
  readonly peer: string;
  readonly local: boolean;
  readonly judgement: "winner" | "group" | "excluded";
  /** The decision step that chose or excluded it. */
  readonly step: string;
  /** One sentence with the values compared. */
  readonly reason: string;
  readonly weight: number;
  readonly score?: number;
  readonly siteState?: "up" | "degraded" | "draining" | "down";
  readonly leaseRemainingSeconds?: number;
  readonly localPref?: number;
  readonly stale: boolean;
  readonly ageSeconds: number;
}

/** One instance behind this router, with why it does or does not get new flows. */
export interface ExplainInstance {
  readonly agent: string;
  readonly address: string;
  readonly port: number;
  readonly state: "up" | "draining" | "down";
  readonly weight: number;
  readonly reason?: string;
}

export interface ExplainReport {
  readonly capability: string;
  readonly tenant: string;
  readonly majorVersion: number;
  /** False: the name is in no taxonomy entry and in no route of the tenant. */
  readonly known: boolean;
  readonly address: string;
  readonly dnsName: string;
  /** `origin` of the winner; absent when nobody is eligible. */
  readonly winner?: string;
  /** The step that chose the winner, and its sentence. */
  readonly step?: string;
  readonly reason?: string;
  readonly candidates: readonly ExplainCandidate[];
  /** Where nobody is eligible: who answers for the longest prefix of the name. */
  readonly resolver?: { readonly prefix: string; readonly origin: string; readonly originName?: string };
  /** Instances behind this router. */
  readonly instances: readonly ExplainInstance[];
}

/** A next hop that was looked at for a packet. */
export interface PacketProbe {
  readonly as: "remembered" | "previous" | "slot" | "backup";
  readonly slot?: number;
  readonly kind: string;
  /** Of the site's router or of the agent; absent where nobody gave one. */
  readonly name?: string;
  readonly towards: string;
  readonly state: string;
  readonly fate: "taken" | "not usable" | "not looked at";
}

export interface PacketChoice {
  readonly slot: number;
  readonly inTransition: boolean;
  readonly probes: readonly PacketProbe[];
}

/** What the policy of tenants says about a packet. */
export interface PacketPolicy {
  /** Whose it is, by its source or the port; absent: nobody's. */
  readonly tenant?: string;
  /** The rule that lets it call a capability of another tenant, and whose that is. */
  readonly rule?: string;
  readonly ruleOwner?: string;
  /** Which rule, limits and marks it meets, or why it meets none, as a sentence. */
  readonly text?: string;
}

/** What becomes of a packet. */
export interface PacketReport {
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  /** Absent with ICMPv6, as is `port`. */
  readonly sourcePort?: number;
  readonly port?: number;
  readonly interface: string;
  readonly hook: string;
  /** Whose the port is that it comes in at; absent on core ports. */
  readonly portTenant?: string;
  readonly verdict: string;
  /** The verdict as a sentence. */
  readonly text: string;
  readonly action: "pass" | "forward" | "reply" | "drop";
  readonly capability?: string;
  readonly tenant?: string;
  /** Known here though nobody may serve it now. */
  readonly known: boolean;
  /** It has no entry here, and is below a prefix of addresses that other sites know names of. */
  readonly aggregate?: string;
  /** What policy says about who sends it; absent for what comes from another router. */
  readonly policy?: PacketPolicy;
  /** What its sender or its destination is to IPv4-only hosts, where it was asked about so. */
  readonly ipv4?: { readonly source?: string; readonly destination?: string };
  readonly newFlow: boolean;
  readonly flowLabel?: number;
  readonly sites?: PacketChoice;
  readonly instances?: PacketChoice;
  /** No instance takes it, another site does. */
  readonly elsewhere?: PacketChoice;
  /** Where it leaves; `interface`, `gateway` and `mtu` as the kernel's routing has them. */
  readonly leaves?: {
    readonly to: string;
    readonly length: number;
    readonly interface?: string;
    readonly gateway?: string;
    readonly mtu?: number;
  };
}
