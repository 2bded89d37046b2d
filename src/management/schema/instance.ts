// biome-ignore-all format: generated from yang/*.yang by tools/generate-yang.mjs, not to be edited

export interface Router {
  readonly name: string;
  readonly "router-id": string;
  readonly domain: RouterDomain;
  readonly site: RouterSite;
  readonly advertisement: RouterAdvertisement;
  readonly "route-choice": RouterRouteChoice;
  readonly nodes?: RouterNodes;
  readonly "state-directory": string;
  readonly management: RouterManagement;
  readonly "semrd-agent:agents"?: RouterAgents;
  readonly "semrd-bgp:bgp"?: RouterBgp;
  readonly "semrd-bmp:bmp"?: RouterBmp;
  readonly "semrd-dataplane:dataplane": RouterDataplane;
  readonly "semrd-discovery:discovery": RouterDiscovery;
  readonly "semrd-interface:interfaces"?: RouterInterfaces;
  readonly "semrd-ipv4:ipv4"?: RouterIpv4;
  readonly "semrd-keystore:keystore"?: RouterKeystore;
  readonly "semrd-mrt:mrt"?: RouterMrt;
  readonly "semrd-policy:routing-policy"?: RouterRoutingPolicy;
  readonly "semrd-registration:registration": RouterRegistration;
  readonly "semrd-rpki:rpki"?: RouterRpki;
  readonly "semrd-taxonomy:taxonomy": RouterTaxonomy;
  readonly "semrd-telemetry:telemetry": RouterTelemetry;
  readonly "semrd-tenant:tenants"?: RouterTenants;
  readonly "semrd-tenant-policy:tenant-policies"?: RouterTenantPolicies;
  readonly "semrd-truststore:truststore"?: RouterTruststore;
}

export interface RouterDomain {
  readonly "dns-zone": string;
  readonly prefix: string;
}

export interface RouterSite {
  readonly selector: number;
  readonly locator: string;
}

export interface RouterAdvertisement {
  readonly instances: boolean;
  readonly prefix?: readonly RouterAdvertisementPrefix[];
  readonly "unknown-tlvs-outside": boolean;
  readonly damping: RouterAdvertisementDamping;
}

export interface RouterAdvertisementPrefix {
  readonly name: string;
  readonly "suppress-more-specifics": boolean;
}

export interface RouterAdvertisementDamping {
  readonly "average-ms": number;
  readonly "hold-ms": number;
  readonly "bad-news-interval-ms": number;
  readonly "good-news-interval-ms": number;
  readonly "good-news-interval-maximum-ms": number;
  readonly "updates-per-second": number;
  readonly burst: number;
}

export interface RouterRouteChoice {
  readonly "understood-label"?: readonly string[];
  readonly weights: "link-bandwidth" | "score" | "equal";
  readonly "network-cost-weight": number;
}

export interface RouterNodes {
  readonly node?: readonly RouterNodesNode[];
}

export interface RouterNodesNode {
  readonly locator: string;
  readonly name?: string;
}

export interface RouterManagement {
  readonly "control-socket": string;
  readonly "semrd-access:users"?: RouterManagementUsers;
  readonly "semrd-grpc-server:grpc": RouterManagementGrpc;
  readonly "semrd-netconf:netconf": RouterManagementNetconf;
}

export interface RouterManagementUsers {
  readonly user?: readonly RouterManagementUsersUser[];
}

export interface RouterManagementUsersUser {
  readonly name: string;
  readonly description?: string;
  readonly "authorized-key"?: readonly string[];
  readonly "password-hash"?: string;
}

export interface RouterManagementGrpc {
  readonly listen?: readonly RouterManagementGrpcListen[];
  readonly tls?: RouterManagementGrpcTls;
  readonly "token-issuer"?: readonly RouterManagementGrpcTokenIssuer[];
  readonly "local-socket": boolean;
  readonly "maximum-subscriptions": number;
  readonly "maximum-message-size": number;
  readonly "idle-timeout": number;
}

export interface RouterManagementGrpcListen {
  readonly address: string;
  readonly port: number;
}

export interface RouterManagementGrpcTls {
  readonly "asymmetric-key"?: string;
  readonly certificate?: string;
  readonly "client-ca-certs"?: string;
}

export interface RouterManagementGrpcTokenIssuer {
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  readonly "jwks-file": string;
  readonly "token-type": "at+jwt" | "any";
  readonly "user-claim": string;
}

export interface RouterManagementNetconf {
  readonly ssh: RouterManagementNetconfSsh;
  readonly tls: RouterManagementNetconfTls;
  readonly "call-home": RouterManagementNetconfCallHome;
  readonly "maximum-sessions": number;
  readonly "maximum-message-size": number;
  readonly "hello-timeout": number;
  readonly "idle-timeout": number;
}

export interface RouterManagementNetconfSsh {
  readonly listen?: readonly RouterManagementNetconfSshListen[];
  readonly "login-timeout": number;
  readonly "maximum-logins": number;
  readonly "maximum-attempts": number;
}

export interface RouterManagementNetconfSshListen {
  readonly address: string;
  readonly port: number;
}

export interface RouterManagementNetconfTls {
  readonly listen?: readonly RouterManagementNetconfTlsListen[];
  readonly "asymmetric-key"?: string;
  readonly certificate?: string;
  readonly "client-ca-certs"?: string;
  readonly "login-timeout": number;
  readonly "maximum-logins": number;
  readonly "user-of-certificate"?: readonly RouterManagementNetconfTlsUserOfCertificate[];
}

export interface RouterManagementNetconfTlsListen {
  readonly address: string;
  readonly port: number;
}

export interface RouterManagementNetconfTlsUserOfCertificate {
  readonly id: number;
  readonly fingerprint: string;
  readonly take: "specified" | "san-rfc822-name" | "san-dns-name" | "san-ip-address" | "san-any" | "common-name";
  readonly user?: string;
}

export interface RouterManagementNetconfCallHome {
  readonly client?: readonly RouterManagementNetconfCallHomeClient[];
  readonly "retry-interval": number;
  readonly "maximum-retry-interval": number;
}

export interface RouterManagementNetconfCallHomeClient {
  readonly name: string;
  readonly transport: "ssh" | "tls";
  readonly address: string;
  readonly port: number;
}

export interface RouterAgents {
  readonly agent?: readonly RouterAgentsAgent[];
}

export interface RouterAgentsAgent {
  readonly id: string;
  readonly tenant: string;
  readonly capability: readonly RouterAgentsAgentCapability[];
}

export interface RouterAgentsAgentCapability {
  readonly name: string;
  readonly "major-version": number;
  readonly address: string;
  readonly port: number;
  readonly "minor-version": number;
  readonly weight: number;
  readonly label?: readonly string[];
  readonly "health-check"?: RouterAgentsAgentCapabilityHealthCheck;
}

export interface RouterAgentsAgentCapabilityHealthCheck {
  readonly type: "tcp" | "http";
  readonly path?: string;
  readonly "interval-ms": number;
  readonly "timeout-ms": number;
  readonly fall: number;
  readonly rise: number;
}

export interface RouterBgp {
  readonly "local-as": number;
  readonly confederation?: RouterBgpConfederation;
  readonly address: string;
  readonly port: number;
  readonly "hold-time": number;
  readonly "keepalive-time"?: number;
  readonly "connect-retry": number;
  readonly "cluster-id"?: string;
  readonly "graceful-shutdown": boolean;
  readonly "graceful-restart": RouterBgpGracefulRestart;
  readonly "neighbor-defaults": RouterBgpNeighborDefaults;
  readonly "peer-groups"?: RouterBgpPeerGroups;
  readonly neighbors?: RouterBgpNeighbors;
  readonly "dynamic-neighbors"?: RouterBgpDynamicNeighbors;
  readonly "semrd-brownfield:brownfield": RouterBgpBrownfield;
}

export interface RouterBgpConfederation {
  readonly identifier: number;
  readonly "member-as"?: readonly number[];
}

export interface RouterBgpGracefulRestart {
  readonly enabled: boolean;
  readonly "restart-time": number;
  readonly "keep-over-notification": boolean;
  readonly "long-lived-stale-time": number;
}

export interface RouterBgpNeighborDefaults {
  readonly "remote-as"?: number;
  readonly enabled: boolean;
  readonly "shutdown-message"?: string;
  readonly port: number;
  readonly passive: boolean;
  readonly "minimum-hold-time": number;
  readonly "delay-open"?: number;
  readonly "idle-hold-time": number;
  readonly "maximum-back-off": number;
  readonly "send-hold-time"?: number;
  readonly "minimum-advertisement-interval": number;
  readonly "local-address"?: string;
  readonly "next-hop-self": boolean;
  readonly "next-hop-unchanged": boolean;
  readonly "third-party-next-hop": boolean;
  readonly "check-next-hop": boolean;
  readonly "enforce-first-as": boolean;
  readonly "allow-own-as": number;
  readonly families?: RouterBgpNeighborDefaultsFamilies;
  readonly "route-server-client": boolean;
  readonly role?: RouterBgpNeighborDefaultsRole;
  readonly "extended-messages": boolean;
  readonly "enhanced-route-refresh": boolean;
  readonly "soft-reconfiguration": boolean;
  readonly "route-reflector-client": boolean;
  readonly "client-to-client-reflection": boolean;
  readonly "md5-key"?: readonly string[];
  readonly "tcp-ao-key"?: readonly RouterBgpNeighborDefaultsTcpAoKey[];
  readonly "ttl-security-hops"?: number;
  readonly multihop?: number;
  readonly "import-policy"?: readonly string[];
  readonly "export-policy"?: readonly string[];
  readonly bfd: RouterBgpNeighborDefaultsBfd;
}

export interface RouterBgpNeighborDefaultsFamilies {
  readonly family?: readonly RouterBgpNeighborDefaultsFamiliesFamily[];
}

export interface RouterBgpNeighborDefaultsFamiliesFamily {
  readonly name: "capability" | "ipv6-unicast" | "ipv4-unicast" | "route-target";
  readonly "maximum-routes"?: number;
  readonly "warn-at"?: number;
  readonly "restart-after"?: number;
  readonly "long-lived-stale-time"?: number;
  readonly "add-path": RouterBgpNeighborDefaultsFamiliesFamilyAddPath;
  readonly "minimum-advertisement-interval"?: number;
}

export interface RouterBgpNeighborDefaultsFamiliesFamilyAddPath {
  readonly send?: "all" | number;
  readonly receive: boolean;
}

export interface RouterBgpNeighborDefaultsRole {
  readonly local: "provider" | "customer" | "peer" | "route-server" | "route-server-client";
  readonly strict: boolean;
  readonly "capability-routes": boolean;
}

export interface RouterBgpNeighborDefaultsTcpAoKey {
  readonly "send-id": number;
  readonly "receive-id": number;
  readonly algorithm: "hmac-sha-1-96" | "aes-128-cmac-96";
  readonly "symmetric-key": string;
}

export interface RouterBgpNeighborDefaultsBfd {
  readonly enabled: boolean;
  readonly "desired-min-tx-ms": number;
  readonly "required-min-rx-ms": number;
  readonly "detect-multiplier": number;
}

export interface RouterBgpPeerGroups {
  readonly "peer-group"?: readonly RouterBgpPeerGroupsPeerGroup[];
}

export interface RouterBgpPeerGroupsPeerGroup {
  readonly name: string;
  readonly description?: string;
  readonly "hold-time"?: number;
  readonly "connect-retry"?: number;
  readonly "keepalive-time"?: number;
  readonly "remote-as"?: number;
  readonly enabled?: boolean;
  readonly "shutdown-message"?: string;
  readonly port?: number;
  readonly passive?: boolean;
  readonly "minimum-hold-time"?: number;
  readonly "delay-open"?: number;
  readonly "idle-hold-time"?: number;
  readonly "maximum-back-off"?: number;
  readonly "send-hold-time"?: number;
  readonly "minimum-advertisement-interval"?: number;
  readonly "local-address"?: string;
  readonly "next-hop-self"?: boolean;
  readonly "next-hop-unchanged"?: boolean;
  readonly "third-party-next-hop"?: boolean;
  readonly "check-next-hop"?: boolean;
  readonly "enforce-first-as"?: boolean;
  readonly "allow-own-as"?: number;
  readonly families?: RouterBgpPeerGroupsPeerGroupFamilies;
  readonly "route-server-client"?: boolean;
  readonly role?: RouterBgpPeerGroupsPeerGroupRole;
  readonly "extended-messages"?: boolean;
  readonly "enhanced-route-refresh"?: boolean;
  readonly "soft-reconfiguration"?: boolean;
  readonly "route-reflector-client"?: boolean;
  readonly "client-to-client-reflection"?: boolean;
  readonly "md5-key"?: readonly string[];
  readonly "tcp-ao-key"?: readonly RouterBgpPeerGroupsPeerGroupTcpAoKey[];
  readonly "ttl-security-hops"?: number;
  readonly multihop?: number;
  readonly "import-policy"?: readonly string[];
  readonly "export-policy"?: readonly string[];
  readonly bfd?: RouterBgpPeerGroupsPeerGroupBfd;
}

export interface RouterBgpPeerGroupsPeerGroupFamilies {
  readonly family?: readonly RouterBgpPeerGroupsPeerGroupFamiliesFamily[];
}

export interface RouterBgpPeerGroupsPeerGroupFamiliesFamily {
  readonly name: "capability" | "ipv6-unicast" | "ipv4-unicast" | "route-target";
  readonly "maximum-routes"?: number;
  readonly "warn-at"?: number;
  readonly "restart-after"?: number;
  readonly "long-lived-stale-time"?: number;
  readonly "add-path": RouterBgpPeerGroupsPeerGroupFamiliesFamilyAddPath;
  readonly "minimum-advertisement-interval"?: number;
}

export interface RouterBgpPeerGroupsPeerGroupFamiliesFamilyAddPath {
  readonly send?: "all" | number;
  readonly receive: boolean;
}

export interface RouterBgpPeerGroupsPeerGroupRole {
  readonly local: "provider" | "customer" | "peer" | "route-server" | "route-server-client";
  readonly strict: boolean;
  readonly "capability-routes": boolean;
}

export interface RouterBgpPeerGroupsPeerGroupTcpAoKey {
  readonly "send-id": number;
  readonly "receive-id": number;
  readonly algorithm: "hmac-sha-1-96" | "aes-128-cmac-96";
  readonly "symmetric-key": string;
}

export interface RouterBgpPeerGroupsPeerGroupBfd {
  readonly enabled?: boolean;
  readonly "desired-min-tx-ms"?: number;
  readonly "required-min-rx-ms"?: number;
  readonly "detect-multiplier"?: number;
}

export interface RouterBgpNeighbors {
  readonly neighbor?: readonly RouterBgpNeighborsNeighbor[];
}

export interface RouterBgpNeighborsNeighbor {
  readonly address: string;
  readonly description?: string;
  readonly "peer-group"?: string;
  readonly "hold-time"?: number;
  readonly "connect-retry"?: number;
  readonly "keepalive-time"?: number;
  readonly "remote-as"?: number;
  readonly enabled?: boolean;
  readonly "shutdown-message"?: string;
  readonly port?: number;
  readonly passive?: boolean;
  readonly "minimum-hold-time"?: number;
  readonly "delay-open"?: number;
  readonly "idle-hold-time"?: number;
  readonly "maximum-back-off"?: number;
  readonly "send-hold-time"?: number;
  readonly "minimum-advertisement-interval"?: number;
  readonly "local-address"?: string;
  readonly "next-hop-self"?: boolean;
  readonly "next-hop-unchanged"?: boolean;
  readonly "third-party-next-hop"?: boolean;
  readonly "check-next-hop"?: boolean;
  readonly "enforce-first-as"?: boolean;
  readonly "allow-own-as"?: number;
  readonly families?: RouterBgpNeighborsNeighborFamilies;
  readonly "route-server-client"?: boolean;
  readonly role?: RouterBgpNeighborsNeighborRole;
  readonly "extended-messages"?: boolean;
  readonly "enhanced-route-refresh"?: boolean;
  readonly "soft-reconfiguration"?: boolean;
  readonly "route-reflector-client"?: boolean;
  readonly "client-to-client-reflection"?: boolean;
  readonly "md5-key"?: readonly string[];
  readonly "tcp-ao-key"?: readonly RouterBgpNeighborsNeighborTcpAoKey[];
  readonly "ttl-security-hops"?: number;
  readonly multihop?: number;
  readonly "import-policy"?: readonly string[];
  readonly "export-policy"?: readonly string[];
  readonly bfd?: RouterBgpNeighborsNeighborBfd;
  readonly "semrd-brownfield:brownfield"?: RouterBgpNeighborsNeighborBrownfield;
}

export interface RouterBgpNeighborsNeighborFamilies {
  readonly family?: readonly RouterBgpNeighborsNeighborFamiliesFamily[];
}

export interface RouterBgpNeighborsNeighborFamiliesFamily {
  readonly name: "capability" | "ipv6-unicast" | "ipv4-unicast" | "route-target";
  readonly "maximum-routes"?: number;
  readonly "warn-at"?: number;
  readonly "restart-after"?: number;
  readonly "long-lived-stale-time"?: number;
  readonly "add-path": RouterBgpNeighborsNeighborFamiliesFamilyAddPath;
  readonly "minimum-advertisement-interval"?: number;
}

export interface RouterBgpNeighborsNeighborFamiliesFamilyAddPath {
  readonly send?: "all" | number;
  readonly receive: boolean;
}

export interface RouterBgpNeighborsNeighborRole {
  readonly local: "provider" | "customer" | "peer" | "route-server" | "route-server-client";
  readonly strict: boolean;
  readonly "capability-routes": boolean;
}

export interface RouterBgpNeighborsNeighborTcpAoKey {
  readonly "send-id": number;
  readonly "receive-id": number;
  readonly algorithm: "hmac-sha-1-96" | "aes-128-cmac-96";
  readonly "symmetric-key": string;
}

export interface RouterBgpNeighborsNeighborBfd {
  readonly enabled?: boolean;
  readonly "desired-min-tx-ms"?: number;
  readonly "required-min-rx-ms"?: number;
  readonly "detect-multiplier"?: number;
}

export interface RouterBgpNeighborsNeighborBrownfield {
  readonly "no-export": boolean;
  readonly payload: boolean;
}

export interface RouterBgpDynamicNeighbors {
  readonly range?: readonly RouterBgpDynamicNeighborsRange[];
}

export interface RouterBgpDynamicNeighborsRange {
  readonly prefix: string;
  readonly "peer-group": string;
  readonly limit: number;
  readonly "remote-as"?: readonly number[];
  readonly "remote-as-type"?: "internal" | "external";
}

export interface RouterBgpBrownfield {
  readonly "payload-attribute"?: number;
  readonly gateway: boolean;
  readonly label?: readonly RouterBgpBrownfieldLabel[];
}

export interface RouterBgpBrownfieldLabel {
  readonly name: string;
  readonly namespace: number;
  readonly bit: number;
}

export interface RouterBmp {
  readonly station?: readonly RouterBmpStation[];
}

export interface RouterBmpStation {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly listen?: string;
  readonly "connect-retry": number;
  readonly table?: readonly ("pre-policy" | "post-policy" | "loc-rib" | "adj-rib-out-pre-policy" | "mirrored" | "mirrored-errors" | "adj-rib-out-post-policy")[];
  readonly neighbor?: readonly string[];
  readonly "statistics-interval": number;
}

export interface RouterDataplane {
  readonly driver: "auto" | "kernel" | "linux" | "ovs" | "memory" | "fib-service";
  readonly "pin-directory": string;
  readonly "hash-seed": number;
  readonly "tunnel-mtu": number;
  readonly "max-capabilities": number;
  readonly tunnels: RouterDataplaneTunnels;
  readonly ovs: RouterDataplaneOvs;
  readonly "fib-service": RouterDataplaneFibService;
  readonly "passive-health"?: RouterDataplanePassiveHealth;
  readonly heartbeat?: RouterDataplaneHeartbeat;
}

export interface RouterDataplaneTunnels {
  readonly "clamp-mss": boolean;
  readonly tunnel?: readonly RouterDataplaneTunnelsTunnel[];
}

export interface RouterDataplaneTunnelsTunnel {
  readonly locator: string;
  readonly encapsulation: "ipv6" | "segments" | "vxlan";
  readonly segment?: readonly string[];
  readonly vni?: number;
  readonly "inner-mac"?: string;
}

export interface RouterDataplaneOvs {
  readonly database: string;
  readonly bridge: string;
  readonly "datapath-type": "netdev" | "system";
}

export interface RouterDataplaneFibService {
  readonly address?: string;
  readonly port: number;
  readonly tls?: RouterDataplaneFibServiceTls;
}

export interface RouterDataplaneFibServiceTls {
  readonly "asymmetric-key"?: string;
  readonly certificate?: string;
  readonly "ca-certs"?: string;
  readonly "server-name"?: string;
}

export interface RouterDataplanePassiveHealth {
  readonly failures: number;
  readonly rest: number;
}

export interface RouterDataplaneHeartbeat {
  readonly interval: number;
  readonly multiplier: number;
}

export interface RouterDiscovery {
  readonly dns: RouterDiscoveryDns;
}

export interface RouterDiscoveryDns {
  readonly listen?: readonly RouterDiscoveryDnsListen[];
  readonly ttl: number;
}

export interface RouterDiscoveryDnsListen {
  readonly address: string;
  readonly port: number;
}

export interface RouterInterfaces {
  readonly interface?: readonly RouterInterfacesInterface[];
}

export interface RouterInterfacesInterface {
  readonly name: string;
  readonly role: "core" | "client" | "agent" | "own";
  readonly tenant?: string;
  readonly "permitted-source"?: readonly string[];
  readonly "tenant-source"?: readonly RouterInterfacesInterfaceTenantSource[];
  readonly hook: "auto" | "xdp" | "tc";
  readonly "vlan-tags": "leave" | "accept";
}

export interface RouterInterfacesInterfaceTenantSource {
  readonly prefix: string;
  readonly tenant: string;
}

export interface RouterIpv4 {
  readonly prefix: string;
  readonly guests?: string;
  readonly pool?: readonly RouterIpv4Pool[];
}

export interface RouterIpv4Pool {
  readonly tenant: string;
  readonly prefix: string;
}

export interface RouterKeystore {
  readonly "asymmetric-keys"?: RouterKeystoreAsymmetricKeys;
  readonly "symmetric-keys"?: RouterKeystoreSymmetricKeys;
}

export interface RouterKeystoreAsymmetricKeys {
  readonly "asymmetric-key"?: readonly RouterKeystoreAsymmetricKeysAsymmetricKey[];
}

export interface RouterKeystoreAsymmetricKeysAsymmetricKey {
  readonly name: string;
  readonly "private-key-file": string;
  readonly certificates?: RouterKeystoreAsymmetricKeysAsymmetricKeyCertificates;
}

export interface RouterKeystoreAsymmetricKeysAsymmetricKeyCertificates {
  readonly certificate?: readonly RouterKeystoreAsymmetricKeysAsymmetricKeyCertificatesCertificate[];
}

export interface RouterKeystoreAsymmetricKeysAsymmetricKeyCertificatesCertificate {
  readonly name: string;
  readonly "certificate-file": string;
}

export interface RouterKeystoreSymmetricKeys {
  readonly "symmetric-key"?: readonly RouterKeystoreSymmetricKeysSymmetricKey[];
}

export interface RouterKeystoreSymmetricKeysSymmetricKey {
  readonly name: string;
  readonly "cleartext-symmetric-key": string;
}

export interface RouterMrt {
  readonly "table-dump"?: readonly RouterMrtTableDump[];
  readonly "update-log"?: readonly RouterMrtUpdateLog[];
}

export interface RouterMrtTableDump {
  readonly name: string;
  readonly folder: string;
  readonly view: "loc-rib" | "adj-rib-in";
  readonly family?: readonly ("capability" | "ipv6-unicast" | "ipv4-unicast")[];
  readonly interval: number;
  readonly retain: number;
}

export interface RouterMrtUpdateLog {
  readonly name: string;
  readonly folder: string;
  readonly neighbor?: readonly string[];
  readonly interval: number;
  readonly "maximum-size": number;
  readonly retain: number;
}

export interface RouterRoutingPolicy {
  readonly "defined-sets"?: RouterRoutingPolicyDefinedSets;
  readonly "policy-definitions"?: RouterRoutingPolicyPolicyDefinitions;
}

export interface RouterRoutingPolicyDefinedSets {
  readonly "prefix-sets"?: RouterRoutingPolicyDefinedSetsPrefixSets;
  readonly "capability-sets"?: RouterRoutingPolicyDefinedSetsCapabilitySets;
  readonly "neighbor-sets"?: RouterRoutingPolicyDefinedSetsNeighborSets;
  readonly "community-sets"?: RouterRoutingPolicyDefinedSetsCommunitySets;
  readonly "ext-community-sets"?: RouterRoutingPolicyDefinedSetsExtCommunitySets;
  readonly "large-community-sets"?: RouterRoutingPolicyDefinedSetsLargeCommunitySets;
  readonly "as-path-sets"?: RouterRoutingPolicyDefinedSetsAsPathSets;
  readonly "label-sets"?: RouterRoutingPolicyDefinedSetsLabelSets;
}

export interface RouterRoutingPolicyDefinedSetsPrefixSets {
  readonly "prefix-set"?: readonly RouterRoutingPolicyDefinedSetsPrefixSetsPrefixSet[];
}

export interface RouterRoutingPolicyDefinedSetsPrefixSetsPrefixSet {
  readonly name: string;
  readonly prefixes: RouterRoutingPolicyDefinedSetsPrefixSetsPrefixSetPrefixes;
}

export interface RouterRoutingPolicyDefinedSetsPrefixSetsPrefixSetPrefixes {
  readonly "prefix-list": readonly RouterRoutingPolicyDefinedSetsPrefixSetsPrefixSetPrefixesPrefixList[];
}

export interface RouterRoutingPolicyDefinedSetsPrefixSetsPrefixSetPrefixesPrefixList {
  readonly "ip-prefix": string;
  readonly "mask-length-lower": number;
  readonly "mask-length-upper": number;
}

export interface RouterRoutingPolicyDefinedSetsCapabilitySets {
  readonly "capability-set"?: readonly RouterRoutingPolicyDefinedSetsCapabilitySetsCapabilitySet[];
}

export interface RouterRoutingPolicyDefinedSetsCapabilitySetsCapabilitySet {
  readonly name: string;
  readonly capability?: readonly string[];
  readonly "capability-prefix"?: readonly string[];
}

export interface RouterRoutingPolicyDefinedSetsNeighborSets {
  readonly "neighbor-set"?: readonly RouterRoutingPolicyDefinedSetsNeighborSetsNeighborSet[];
}

export interface RouterRoutingPolicyDefinedSetsNeighborSetsNeighborSet {
  readonly name: string;
  readonly address: readonly string[];
}

export interface RouterRoutingPolicyDefinedSetsCommunitySets {
  readonly "community-set"?: readonly RouterRoutingPolicyDefinedSetsCommunitySetsCommunitySet[];
}

export interface RouterRoutingPolicyDefinedSetsCommunitySetsCommunitySet {
  readonly name: string;
  readonly member: readonly string[];
}

export interface RouterRoutingPolicyDefinedSetsExtCommunitySets {
  readonly "ext-community-set"?: readonly RouterRoutingPolicyDefinedSetsExtCommunitySetsExtCommunitySet[];
}

export interface RouterRoutingPolicyDefinedSetsExtCommunitySetsExtCommunitySet {
  readonly name: string;
  readonly member: readonly string[];
}

export interface RouterRoutingPolicyDefinedSetsLargeCommunitySets {
  readonly "large-community-set"?: readonly RouterRoutingPolicyDefinedSetsLargeCommunitySetsLargeCommunitySet[];
}

export interface RouterRoutingPolicyDefinedSetsLargeCommunitySetsLargeCommunitySet {
  readonly name: string;
  readonly member: readonly string[];
}

export interface RouterRoutingPolicyDefinedSetsAsPathSets {
  readonly "as-path-set"?: readonly RouterRoutingPolicyDefinedSetsAsPathSetsAsPathSet[];
}

export interface RouterRoutingPolicyDefinedSetsAsPathSetsAsPathSet {
  readonly name: string;
  readonly member?: readonly string[];
  readonly contains?: readonly number[];
  readonly "originated-by"?: readonly number[];
  readonly "neighbor-as"?: readonly number[];
}

export interface RouterRoutingPolicyDefinedSetsLabelSets {
  readonly "label-set"?: readonly RouterRoutingPolicyDefinedSetsLabelSetsLabelSet[];
}

export interface RouterRoutingPolicyDefinedSetsLabelSetsLabelSet {
  readonly name: string;
  readonly label: readonly RouterRoutingPolicyDefinedSetsLabelSetsLabelSetLabel[];
}

export interface RouterRoutingPolicyDefinedSetsLabelSetsLabelSetLabel {
  readonly text: string;
  readonly critical?: boolean;
}

export interface RouterRoutingPolicyPolicyDefinitions {
  readonly "policy-definition"?: readonly RouterRoutingPolicyPolicyDefinitionsPolicyDefinition[];
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinition {
  readonly name: string;
  readonly statements?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatements;
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatements {
  readonly statement?: readonly RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatement[];
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatement {
  readonly name: string;
  readonly conditions?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditions;
  readonly actions: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActions;
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditions {
  readonly "match-prefix-set"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchPrefixSet;
  readonly "match-capability-set"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchCapabilitySet;
  readonly "match-neighbor-set"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchNeighborSet;
  readonly "match-community-set"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchCommunitySet;
  readonly "match-ext-community-set"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchExtCommunitySet;
  readonly "match-large-community-set"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchLargeCommunitySet;
  readonly "match-as-path-set"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchAsPathSet;
  readonly "match-label-set"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchLabelSet;
  readonly family?: readonly ("capability" | "ipv4-unicast" | "ipv6-unicast")[];
  readonly tenant?: readonly string[];
  readonly "as-path-length"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsAsPathLength;
  readonly score?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsScore;
  readonly "site-state"?: readonly ("up" | "degraded" | "draining" | "down")[];
  readonly "next-hop-in"?: readonly string[];
  readonly "semrd-rpki:rpki-state"?: readonly ("valid" | "invalid" | "not-found")[];
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchPrefixSet {
  readonly "prefix-set": string;
  readonly "match-set-options": "any" | "invert";
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchCapabilitySet {
  readonly "capability-set": string;
  readonly "match-set-options": "any" | "invert";
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchNeighborSet {
  readonly "neighbor-set": string;
  readonly "match-set-options": "any" | "invert";
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchCommunitySet {
  readonly "community-set": string;
  readonly "match-set-options": "any" | "all" | "invert";
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchExtCommunitySet {
  readonly "ext-community-set": string;
  readonly "match-set-options": "any" | "all" | "invert";
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchLargeCommunitySet {
  readonly "large-community-set": string;
  readonly "match-set-options": "any" | "all" | "invert";
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchAsPathSet {
  readonly "as-path-set": string;
  readonly "match-set-options": "any" | "all" | "invert";
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsMatchLabelSet {
  readonly "label-set": string;
  readonly "match-set-options": "any" | "all" | "invert";
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsAsPathLength {
  readonly minimum: number;
  readonly maximum: number;
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementConditionsScore {
  readonly minimum: number;
  readonly maximum: number;
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActions {
  readonly "policy-result": "accept-route" | "reject-route" | "next-statement" | "next-policy";
  readonly "set-local-preference"?: number;
  readonly "set-med"?: number;
  readonly "set-community"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetCommunity;
  readonly "set-ext-community"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetExtCommunity;
  readonly "set-large-community"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetLargeCommunity;
  readonly "set-as-path-prepend"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetAsPathPrepend;
  readonly "set-next-hop"?: "self";
  readonly "set-label"?: RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetLabel;
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetCommunity {
  readonly options: "add" | "remove" | "replace";
  readonly value: readonly string[];
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetExtCommunity {
  readonly options: "add" | "remove" | "replace";
  readonly value: readonly string[];
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetLargeCommunity {
  readonly options: "add" | "remove" | "replace";
  readonly value: readonly string[];
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetAsPathPrepend {
  readonly "repeat-n": number;
  readonly asn?: number;
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetLabel {
  readonly options: "add" | "remove" | "replace";
  readonly label: readonly RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetLabelLabel[];
}

export interface RouterRoutingPolicyPolicyDefinitionsPolicyDefinitionStatementsStatementActionsSetLabelLabel {
  readonly text: string;
  readonly critical?: boolean;
}

export interface RouterRegistration {
  readonly listen?: readonly RouterRegistrationListen[];
  readonly tls?: RouterRegistrationTls;
  readonly issuer?: readonly RouterRegistrationIssuer[];
  readonly lease: RouterRegistrationLease;
}

export interface RouterRegistrationListen {
  readonly address: string;
  readonly port: number;
}

export interface RouterRegistrationTls {
  readonly "asymmetric-key"?: string;
  readonly certificate?: string;
}

export interface RouterRegistrationIssuer {
  readonly name: string;
  readonly issuer: string;
  readonly audience: string;
  readonly "jwks-file": string;
}

export interface RouterRegistrationLease {
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
}

export interface RouterRpki {
  readonly cache?: readonly RouterRpkiCache[];
}

export interface RouterRpkiCache {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly preference: number;
}

export interface RouterTaxonomy {
  readonly revision: number;
  readonly family?: readonly RouterTaxonomyFamily[];
  readonly capability?: readonly RouterTaxonomyCapability[];
}

export interface RouterTaxonomyFamily {
  readonly label: string;
  readonly code: number;
}

export interface RouterTaxonomyCapability {
  readonly name: string;
  readonly "major-version": number;
  readonly description?: string;
  readonly "service-port": number;
  readonly protocol: "tcp" | "udp";
  readonly affinity: "flow" | "address" | "connection" | "none";
}

export interface RouterTelemetry {
  readonly "log-level": "error" | "warn" | "info" | "debug";
  readonly prometheus: RouterTelemetryPrometheus;
  readonly "flow-records"?: RouterTelemetryFlowRecords;
}

export interface RouterTelemetryPrometheus {
  readonly enabled: boolean;
  readonly address: string;
  readonly port: number;
}

export interface RouterTelemetryFlowRecords {
  readonly "flow-interval": number;
  readonly "refused-interval": number;
  readonly "active-timeout": number;
  readonly "idle-timeout": number;
  readonly "most-flows": number;
  readonly history: number;
  readonly collector?: readonly RouterTelemetryFlowRecordsCollector[];
}

export interface RouterTelemetryFlowRecordsCollector {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

export interface RouterTenants {
  readonly tenant?: readonly RouterTenantsTenant[];
}

export interface RouterTenantsTenant {
  readonly name: string;
  readonly index: number;
  readonly "route-distinguisher": string;
  readonly "import-target": readonly string[];
  readonly "export-target": readonly string[];
}

export interface RouterTenantPolicies {
  readonly tenant?: readonly RouterTenantPoliciesTenant[];
}

export interface RouterTenantPoliciesTenant {
  readonly name: string;
  readonly clients?: RouterTenantPoliciesTenantClients;
  readonly rule?: readonly RouterTenantPoliciesTenantRule[];
  readonly "capability-policy"?: readonly RouterTenantPoliciesTenantCapabilityPolicy[];
}

export interface RouterTenantPoliciesTenantClients {
  readonly "packet-rate"?: RouterTenantPoliciesTenantClientsPacketRate;
  readonly "bit-rate"?: RouterTenantPoliciesTenantClientsBitRate;
  readonly dscp?: number;
  readonly tag?: number;
}

export interface RouterTenantPoliciesTenantClientsPacketRate {
  readonly rate: string;
  readonly burst: number;
}

export interface RouterTenantPoliciesTenantClientsBitRate {
  readonly rate: string;
  readonly burst: number;
}

export interface RouterTenantPoliciesTenantRule {
  readonly name: string;
  readonly from: readonly string[];
  readonly capability?: readonly string[];
  readonly "capability-prefix"?: readonly string[];
}

export interface RouterTenantPoliciesTenantCapabilityPolicy {
  readonly name: string;
  readonly capability?: readonly string[];
  readonly "capability-prefix"?: readonly string[];
  readonly "packet-rate"?: RouterTenantPoliciesTenantCapabilityPolicyPacketRate;
  readonly "bit-rate"?: RouterTenantPoliciesTenantCapabilityPolicyBitRate;
  readonly dscp?: number;
  readonly tag?: number;
  readonly counted: boolean;
}

export interface RouterTenantPoliciesTenantCapabilityPolicyPacketRate {
  readonly rate: string;
  readonly burst: number;
}

export interface RouterTenantPoliciesTenantCapabilityPolicyBitRate {
  readonly rate: string;
  readonly burst: number;
}

export interface RouterTruststore {
  readonly "certificate-bags"?: RouterTruststoreCertificateBags;
}

export interface RouterTruststoreCertificateBags {
  readonly "certificate-bag"?: readonly RouterTruststoreCertificateBagsCertificateBag[];
}

export interface RouterTruststoreCertificateBagsCertificateBag {
  readonly name: string;
  readonly description?: string;
  readonly certificate: readonly RouterTruststoreCertificateBagsCertificateBagCertificate[];
}

export interface RouterTruststoreCertificateBagsCertificateBagCertificate {
  readonly name: string;
  readonly "certificate-file": string;
}
