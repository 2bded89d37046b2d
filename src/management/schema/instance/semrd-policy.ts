// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface RoutingPolicy {
  readonly "defined-sets"?: DefinedSets;
  readonly "policy-definitions"?: PolicyDefinitions;
}

export interface DefinedSets {
  readonly "prefix-sets"?: PrefixSets;
  readonly "capability-sets"?: CapabilitySets;
  readonly "neighbor-sets"?: NeighborSets;
  readonly "community-sets"?: CommunitySets;
  readonly "ext-community-sets"?: ExtCommunitySets;
  readonly "large-community-sets"?: LargeCommunitySets;
  readonly "as-path-sets"?: AsPathSets;
  readonly "label-sets"?: LabelSets;
}

export interface PrefixSets {
  readonly "prefix-set"?: readonly PrefixSet[];
}

export interface PrefixSet {
  readonly name: string;
  readonly prefixes: Prefixes;
}

export interface Prefixes {
  readonly "prefix-list": readonly PrefixList[];
}

export interface PrefixList {
  readonly "ip-prefix": string;
  readonly "mask-length-lower": number;
  readonly "mask-length-upper": number;
}

export interface CapabilitySets {
  readonly "capability-set"?: readonly CapabilitySet[];
}

export interface CapabilitySet {
  readonly name: string;
  readonly capability?: readonly string[];
  readonly "capability-prefix"?: readonly string[];
}

export interface NeighborSets {
  readonly "neighbor-set"?: readonly NeighborSet[];
}

export interface NeighborSet {
  readonly name: string;
  readonly address: readonly string[];
}

export interface CommunitySets {
  readonly "community-set"?: readonly CommunitySet[];
}

export interface CommunitySet {
  readonly name: string;
  readonly member: readonly string[];
}

export interface ExtCommunitySets {
  readonly "ext-community-set"?: readonly CommunitySet[];
}

export interface LargeCommunitySets {
  readonly "large-community-set"?: readonly CommunitySet[];
}

export interface AsPathSets {
  readonly "as-path-set"?: readonly AsPathSet[];
}

export interface AsPathSet {
  readonly name: string;
  readonly member?: readonly string[];
  readonly contains?: readonly number[];
  readonly "originated-by"?: readonly number[];
  readonly "neighbor-as"?: readonly number[];
}

export interface LabelSets {
  readonly "label-set"?: readonly LabelSet[];
}

export interface LabelSet {
  readonly name: string;
  readonly label: readonly Label[];
}

export interface Label {
  readonly text: string;
  readonly critical?: boolean;
}

export interface PolicyDefinitions {
  readonly "policy-definition"?: readonly PolicyDefinition[];
}

export interface PolicyDefinition {
  readonly name: string;
  readonly statements?: Statements;
}

export interface Statements {
  readonly statement?: readonly Statement[];
}

export interface Statement {
  readonly name: string;
  readonly conditions?: Conditions;
  readonly actions: Actions;
}

export interface Conditions {
  readonly "match-prefix-set"?: MatchPrefixSet;
  readonly "match-capability-set"?: MatchCapabilitySet;
  readonly "match-neighbor-set"?: MatchNeighborSet;
  readonly "match-community-set"?: MatchCommunitySet;
  readonly "match-ext-community-set"?: MatchExtCommunitySet;
  readonly "match-large-community-set"?: MatchLargeCommunitySet;
  readonly "match-as-path-set"?: MatchAsPathSet;
  readonly "match-label-set"?: MatchLabelSet;
  readonly family?: readonly ("capability" | "ipv4-unicast" | "ipv6-unicast")[];
  readonly tenant?: readonly string[];
  readonly "as-path-length"?: AsPathLength;
  readonly score?: AsPathLength;
  readonly "site-state"?: readonly ("up" | "degraded" | "draining" | "down")[];
  readonly "next-hop-in"?: readonly string[];
  readonly "semrd-rpki:rpki-state"?: readonly ("valid" | "invalid" | "not-found")[];
}

export interface MatchPrefixSet {
  readonly "prefix-set": string;
  readonly "match-set-options": "any" | "invert";
}

export interface MatchCapabilitySet {
  readonly "capability-set": string;
  readonly "match-set-options": "any" | "invert";
}

export interface MatchNeighborSet {
  readonly "neighbor-set": string;
  readonly "match-set-options": "any" | "invert";
}

export interface MatchCommunitySet {
  readonly "community-set": string;
  readonly "match-set-options": "any" | "all" | "invert";
}

export interface MatchExtCommunitySet {
  readonly "ext-community-set": string;
  readonly "match-set-options": "any" | "all" | "invert";
}

export interface MatchLargeCommunitySet {
  readonly "large-community-set": string;
  readonly "match-set-options": "any" | "all" | "invert";
}

export interface MatchAsPathSet {
  readonly "as-path-set": string;
  readonly "match-set-options": "any" | "all" | "invert";
}

export interface MatchLabelSet {
  readonly "label-set": string;
  readonly "match-set-options": "any" | "all" | "invert";
}

export interface AsPathLength {
  readonly minimum: number;
  readonly maximum: number;
}

export interface Actions {
  readonly "policy-result": "accept-route" | "reject-route" | "next-statement" | "next-policy";
  readonly "set-local-preference"?: number;
  readonly "set-med"?: number;
  readonly "set-community"?: SetCommunity;
  readonly "set-ext-community"?: SetCommunity;
  readonly "set-large-community"?: SetCommunity;
  readonly "set-as-path-prepend"?: SetAsPathPrepend;
  readonly "set-next-hop"?: "self";
  readonly "set-label"?: SetLabel;
}

export interface SetCommunity {
  readonly options: "add" | "remove" | "replace";
  readonly value: readonly string[];
}

export interface SetAsPathPrepend {
  readonly "repeat-n": number;
  readonly asn?: number;
}

export interface SetLabel {
  readonly options: "add" | "remove" | "replace";
  readonly label: readonly Label[];
}
