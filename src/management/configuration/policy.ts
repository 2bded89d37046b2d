import type { CapabilityName, Ipv6Address } from "../../base/index.ts";

/** Routing policy in the words of the configuration, every name replaced by what it stands for. */
export interface RoutingPolicyConfiguration {
  readonly definedSets: DefinedSetsConfiguration;
  readonly policies: readonly PolicyConfiguration[];
}

/** Both ends belong to it. */
export interface IntervalConfiguration {
  readonly minimum: number;
  readonly maximum: number;
}

/** 4 octets of IPv4 or 16 of IPv6, with no bit behind `length`. */
export interface AddressPrefixConfiguration {
  readonly address: Uint8Array;
  readonly length: number;
}

export interface PrefixSetConfiguration {
  readonly name: string;
  readonly members: readonly (AddressPrefixConfiguration & { readonly lengths: IntervalConfiguration })[];
}

/** What the taxonomy knows of what the set names. */
export interface CapabilitySetConfiguration {
  readonly name: string;
  readonly capabilities: readonly { readonly name: CapabilityName; readonly majorVersion: number }[];
}

export interface NeighborSetConfiguration {
  readonly name: string;
  readonly addresses: readonly Ipv6Address[];
}

export interface NamedSet<M> {
  readonly name: string;
  readonly members: readonly M[];
}

/** A community or a pattern of several; `text` as it was written. */
export interface CommunityMember {
  readonly text: string;
  readonly administrator: IntervalConfiguration;
  readonly value: IntervalConfiguration;
}

export interface LargeCommunityMember {
  readonly text: string;
  readonly globalAdministrator: IntervalConfiguration;
  readonly data1: IntervalConfiguration;
  readonly data2: IntervalConfiguration;
}

/** Fields of the eight octets, as numbers in network order; a member may have several forms, one for each type. */
export interface ExtendedCommunityMember {
  readonly text: string;
  readonly forms: readonly {
    readonly fields: readonly {
      readonly at: number;
      readonly octets: number;
      readonly values: IntervalConfiguration;
    }[];
  }[];
}

export interface AsPathMember {
  readonly text: string;
  readonly tokens: readonly (IntervalConfiguration | "many")[];
}

export interface LabelMember {
  readonly text: string;
  readonly critical?: boolean;
}

export interface DefinedSetsConfiguration {
  readonly communities: readonly NamedSet<CommunityMember>[];
  readonly extendedCommunities: readonly NamedSet<ExtendedCommunityMember>[];
  readonly largeCommunities: readonly NamedSet<LargeCommunityMember>[];
  readonly asPaths: readonly NamedSet<AsPathMember>[];
}

export interface SetMatchConfiguration<S> {
  readonly set: S;
  readonly option: "any" | "all" | "invert";
}

/** Absent: not asked. */
export interface ConditionsConfiguration {
  readonly prefixes?: SetMatchConfiguration<PrefixSetConfiguration>;
  readonly capabilities?: SetMatchConfiguration<CapabilitySetConfiguration>;
  readonly neighbors?: SetMatchConfiguration<NeighborSetConfiguration>;
  readonly families?: readonly ("capability" | "ipv4-unicast" | "ipv6-unicast")[];
  readonly tenants?: readonly { readonly name: string; readonly importTargets: readonly Uint8Array[] }[];
  readonly communities?: SetMatchConfiguration<NamedSet<CommunityMember>>;
  readonly extendedCommunities?: SetMatchConfiguration<NamedSet<ExtendedCommunityMember>>;
  readonly largeCommunities?: SetMatchConfiguration<NamedSet<LargeCommunityMember>>;
  readonly asPath?: SetMatchConfiguration<NamedSet<AsPathMember>>;
  readonly asPathLength?: IntervalConfiguration;
  readonly labels?: SetMatchConfiguration<NamedSet<LabelMember>>;
  readonly score?: IntervalConfiguration;
  readonly states?: readonly ("up" | "degraded" | "draining" | "down")[];
  readonly nextHops?: readonly AddressPrefixConfiguration[];
  readonly rpkiStates?: readonly ("valid" | "invalid" | "not-found")[];
}

/** To add or replace, every member stands for one value. */
export interface ChangeConfiguration<M> {
  readonly operation: "add" | "remove" | "replace";
  readonly members: readonly M[];
}

/** Absent: not changed. */
export interface ActionsConfiguration {
  readonly localPref?: number;
  readonly multiExitDisc?: number;
  readonly communities?: ChangeConfiguration<CommunityMember>;
  readonly extendedCommunities?: ChangeConfiguration<ExtendedCommunityMember>;
  readonly largeCommunities?: ChangeConfiguration<LargeCommunityMember>;
  /** Without an AS: that of this router. */
  readonly prepend?: { readonly count: number; readonly autonomousSystem?: number };
  readonly nextHop?: "self";
  readonly labels?: ChangeConfiguration<LabelMember>;
}

export interface StatementConfiguration {
  readonly name: string;
  readonly conditions: ConditionsConfiguration;
  readonly actions: ActionsConfiguration;
  readonly result: "accept" | "reject" | "next-statement" | "next-policy";
}

export interface PolicyConfiguration {
  readonly name: string;
  readonly statements: readonly StatementConfiguration[];
}
