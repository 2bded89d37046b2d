// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

import type { Users } from "./semrd-access.ts";
import type { Agents } from "./semrd-agent.ts";
import type { Bgp } from "./semrd-bgp.ts";
import type { Bmp } from "./semrd-bmp.ts";
import type { Dataplane } from "./semrd-dataplane.ts";
import type { Discovery } from "./semrd-discovery.ts";
import type { Grpc } from "./semrd-grpc-server.ts";
import type { Interfaces } from "./semrd-interface.ts";
import type { Ipv4 } from "./semrd-ipv4.ts";
import type { Keystore } from "./semrd-keystore.ts";
import type { Mrt } from "./semrd-mrt.ts";
import type { Netconf } from "./semrd-netconf.ts";
import type { RoutingPolicy } from "./semrd-policy.ts";
import type { Registration } from "./semrd-registration.ts";
import type { Rpki } from "./semrd-rpki.ts";
import type { Taxonomy } from "./semrd-taxonomy.ts";
import type { Telemetry } from "./semrd-telemetry.ts";
import type { Tenants } from "./semrd-tenant.ts";
import type { TenantPolicies } from "./semrd-tenant-policy.ts";
import type { Truststore } from "./semrd-truststore.ts";

export interface Router {
  readonly name: string;
  readonly "router-id": string;
  readonly domain: Domain;
  readonly site: Site;
  readonly advertisement: Advertisement;
  readonly "route-choice": RouteChoice;
  readonly nodes?: Nodes;
  readonly "state-directory": string;
  readonly management: Management;
  readonly "semrd-agent:agents"?: Agents;
  readonly "semrd-bgp:bgp"?: Bgp;
  readonly "semrd-bmp:bmp"?: Bmp;
  readonly "semrd-dataplane:dataplane": Dataplane;
  readonly "semrd-discovery:discovery": Discovery;
  readonly "semrd-interface:interfaces"?: Interfaces;
  readonly "semrd-ipv4:ipv4"?: Ipv4;
  readonly "semrd-keystore:keystore"?: Keystore;
  readonly "semrd-mrt:mrt"?: Mrt;
  readonly "semrd-policy:routing-policy"?: RoutingPolicy;
  readonly "semrd-registration:registration": Registration;
  readonly "semrd-rpki:rpki"?: Rpki;
  readonly "semrd-taxonomy:taxonomy": Taxonomy;
  readonly "semrd-telemetry:telemetry": Telemetry;
  readonly "semrd-tenant:tenants"?: Tenants;
  readonly "semrd-tenant-policy:tenant-policies"?: TenantPolicies;
  readonly "semrd-truststore:truststore"?: Truststore;
}

export interface Domain {
  readonly "dns-zone": string;
  readonly prefix: string;
}

export interface Site {
  readonly selector: number;
  readonly locator: string;
}

export interface Advertisement {
  readonly instances: boolean;
  readonly prefix?: readonly Prefix[];
  readonly "unknown-tlvs-outside": boolean;
  readonly damping: Damping;
}

export interface Prefix {
  readonly name: string;
  readonly "suppress-more-specifics": boolean;
}

export interface Damping {
  readonly "average-ms": number;
  readonly "hold-ms": number;
  readonly "bad-news-interval-ms": number;
  readonly "good-news-interval-ms": number;
  readonly "good-news-interval-maximum-ms": number;
  readonly "updates-per-second": number;
  readonly burst: number;
}

export interface RouteChoice {
  readonly "understood-label"?: readonly string[];
  readonly weights: "link-bandwidth" | "score" | "equal";
  readonly "network-cost-weight": number;
}

export interface Nodes {
  readonly node?: readonly Node[];
}

export interface Node {
  readonly locator: string;
  readonly name?: string;
}

export interface Management {
  readonly "control-socket": string;
  readonly "semrd-access:users"?: Users;
  readonly "semrd-grpc-server:grpc": Grpc;
  readonly "semrd-netconf:netconf": Netconf;
}
