/** The shape of `semrd-policy:routing-policy` in a validated document with all defaults. */
export interface RoutingPolicyInstance {
  readonly "defined-sets"?: DefinedSetsInstance;
  readonly "policy-definitions"?: { readonly "policy-definition"?: readonly PolicyInstance[] };
}

interface MemberSetInstance {
  readonly name: string;
  readonly member: readonly string[];
}

export interface DefinedSetsInstance {
  readonly "prefix-sets"?: {
    readonly "prefix-set"?: readonly {
      readonly name: string;
      readonly prefixes: {
        readonly "prefix-list": readonly {
          readonly "ip-prefix": string;
          readonly "mask-length-lower": number;
          readonly "mask-length-upper": number;
        }[];
      };
    }[];
  };
  readonly "capability-sets"?: {
    readonly "capability-set"?: readonly {
      readonly name: string;
      readonly capability?: readonly string[];
      readonly "capability-prefix"?: readonly string[];
    }[];
  };
  readonly "neighbor-sets"?: {
    readonly "neighbor-set"?: readonly { readonly name: string; readonly address: readonly string[] }[];
  };
  readonly "community-sets"?: { readonly "community-set"?: readonly MemberSetInstance[] };
  readonly "ext-community-sets"?: { readonly "ext-community-set"?: readonly MemberSetInstance[] };
  readonly "large-community-sets"?: { readonly "large-community-set"?: readonly MemberSetInstance[] };
  readonly "as-path-sets"?: { readonly "as-path-set"?: readonly AsPathSetInstance[] };
  readonly "label-sets"?: {
    readonly "label-set"?: readonly { readonly name: string; readonly label: readonly LabelInstance[] }[];
  };
}

export interface AsPathSetInstance {
  readonly name: string;
  readonly member?: readonly string[];
  readonly contains?: readonly number[];
  readonly "originated-by"?: readonly number[];
  readonly "neighbor-as"?: readonly number[];
}

export interface LabelInstance {
  readonly text: string;
  readonly critical?: boolean;
}

export interface PolicyInstance {
  readonly name: string;
  readonly statements?: { readonly statement?: readonly StatementInstance[] };
}

export type MatchOptions = "any" | "all" | "invert";

type Match<Name extends string> = { readonly [N in Name]: string } & { readonly "match-set-options": MatchOptions };

export interface ConditionsInstance {
  readonly "match-prefix-set"?: Match<"prefix-set">;
  readonly "match-capability-set"?: Match<"capability-set">;
  readonly "match-neighbor-set"?: Match<"neighbor-set">;
  readonly "match-community-set"?: Match<"community-set">;
  readonly "match-ext-community-set"?: Match<"ext-community-set">;
  readonly "match-large-community-set"?: Match<"large-community-set">;
  readonly "match-as-path-set"?: Match<"as-path-set">;
  readonly "match-label-set"?: Match<"label-set">;
  readonly family?: readonly ("capability" | "ipv4-unicast" | "ipv6-unicast")[];
  readonly tenant?: readonly string[];
  readonly "as-path-length"?: { readonly minimum: number; readonly maximum: number };
  readonly score?: { readonly minimum: number; readonly maximum: number };
  readonly "site-state"?: readonly ("up" | "degraded" | "draining" | "down")[];
  readonly "next-hop-in"?: readonly string[];
  readonly "semrd-rpki:rpki-state"?: readonly ("valid" | "invalid" | "not-found")[];
}

interface ChangeInstance {
  readonly options: "add" | "remove" | "replace";
  readonly value: readonly string[];
}

export interface ActionsInstance {
  readonly "policy-result": "accept-route" | "reject-route" | "next-statement" | "next-policy";
  readonly "set-local-preference"?: number;
  readonly "set-med"?: number;
  readonly "set-community"?: ChangeInstance;
  readonly "set-ext-community"?: ChangeInstance;
  readonly "set-large-community"?: ChangeInstance;
  readonly "set-as-path-prepend"?: { readonly "repeat-n": number; readonly asn?: number };
  readonly "set-next-hop"?: "self";
  readonly "set-label"?: {
    readonly options: "add" | "remove" | "replace";
    readonly label: readonly LabelInstance[];
  };
}

export interface StatementInstance {
  readonly name: string;
  readonly conditions?: ConditionsInstance;
  readonly actions: ActionsInstance;
}
