import { formatIpv6 } from "../../src/base/index.ts";
import type {
  AgentRow,
  AlarmRow,
  BmpStationRow,
  CapabilityRow,
  ControlHandlers,
  CountersReport,
  EventRow,
  ExchangedRouteRow,
  ExplainReport,
  FibRow,
  FlowRecordRow,
  ManagementFault,
  MrtJobRow,
  PacketReport,
  PeerRow,
  PolicyRow,
  RouteRow,
  RpkiCacheRow,
  StatusReport,
  UnicastRouteRow,
  VrpRow,
} from "../../src/management/index.ts";

/** What a router with little in it answers; tests of the command line show it. */
export const STATUS: StatusReport = {
  name: "r1",
  version: "0.1.0",
  routerId: "10.0.0.1",
  locator: "fd00:ffff::1",
  dnsZone: "example.net",
  domainPrefix: "fd5e:3d00:1::/48",
  siteSelector: 1,
  processId: 4242,
  uptimeSeconds: 7384,
  state: "running",
  dataplane: {
    driver: "kernel",
    adopted: true,
    generation: 12,
    ports: [
      { interface: "eth1", role: "client", tenant: "acme", hook: "tcx", adopted: false },
      { interface: "eth2", role: "core", hook: "xdp generic", adopted: true, reason: "the driver has no native XDP" },
      { interface: "eth3", role: "agent", tenant: "acme", hook: "none", adopted: false, reason: "no such interface" },
    ],
    limits: ["packets are copied"],
    tables: [
      { table: "capabilities", used: 5, size: 65536 },
      { table: "groups", used: 3, size: 65535 },
      { table: "next hops", used: 4, size: 65535 },
    ],
  },
  counts: { agents: 1, instances: 2, capabilities: 1, routes: 3, peers: 2, peersEstablished: 1 },
  liveness: {
    instances: { checked: 1, passive: 1, unjudged: 0, out: 1 },
    out: [
      {
        agent: "spiffe://example.net/acme/agent/ocr-b",
        capability: "/vision/ocr",
        means: "passive",
        reason: "5 connections refused; tried again after 10 s",
      },
    ],
    passiveHealth: { failures: 5, restSeconds: 10 },
    heartbeats: {
      ...{ intervalMilliseconds: 10, multiplier: 4, routers: 2 },
      ...{ sent: 5000, sendErrors: 0, late: 3, realtime: true },
    },
  },
  alarms: [
    { severity: "major", count: 1 },
    { severity: "warning", count: 2 },
  ],
  warnings: ["the session with r3 is down"],
};

export const ALARMS: readonly AlarmRow[] = [
  {
    id: "1f00aa22",
    type: "bgp-session-down",
    resource: "/semrd-router:router/semrd-bgp:bgp/neighbors/neighbor[address='fd00:ffff::3']",
    state: "raised",
    severity: "major",
    text: "there is no session with fd00:ffff::3 (r3): hold timer expired",
    raisedSecondsAgo: 130,
    changedSecondsAgo: 130,
    changes: [
      {
        time: "2026-11-20T12:00:00.000Z",
        severity: "major",
        text: "there is no session with fd00:ffff::3 (r3): hold timer expired",
      },
    ],
    operatorState: "ack",
    operator: "ann",
    operatorText: "the fibre is being mended",
  },
  {
    id: "77bb00c1",
    type: "table-nearly-full",
    resource: "/semrd-router:router/semrd-dataplane:dataplane/state/table[name='groups']",
    state: "cleared",
    severity: "warning",
    text: "over; it was: the table of groups is nearly full",
    raisedSecondsAgo: 4000,
    changedSecondsAgo: 3600,
    changes: [
      {
        time: "2026-11-20T11:00:00.000Z",
        severity: "cleared",
        text: "over; it was: the table of groups is nearly full",
      },
      { time: "2026-11-20T10:55:00.000Z", severity: "warning", text: "the table of groups is nearly full" },
    ],
    operatorState: "none",
  },
];

export const EVENTS: readonly EventRow[] = [
  {
    time: "2026-11-20T12:00:00.000Z",
    event: "semrd-events:peer-change",
    type: "peer-change",
    content: { address: "fd00:ffff::3", event: "lost", error: "hold timer expired" },
  },
  {
    time: "2026-11-20T12:00:00.010Z",
    event: "ietf-netconf-notifications:netconf-config-change",
    type: "netconf-config-change",
    content: { edit: [{ target: "/a", operation: "merge" }] },
  },
];

export const AGENTS: readonly AgentRow[] = [
  {
    agent: "spiffe://example.net/acme/agent/ocr-a",
    instance: "00112233aabbccdd",
    tenant: "acme",
    capability: "/vision/ocr",
    version: "1.0",
    address: "fd00:a:21::10",
    port: 8080,
    protocol: "tcp",
    weight: 10,
    labels: ["eu", "gdpr"],
    source: "configuration",
    adminState: "up",
    health: "up",
    healthAgeSeconds: 72,
    state: "up",
    ageSeconds: 4000,
  },
  {
    agent: "spiffe://example.net/acme/agent/ocr-b",
    instance: "ffeeddccbbaa9988",
    tenant: "acme",
    capability: "/vision/ocr",
    version: "1.2",
    address: "fd00:a:22::10",
    port: 8080,
    protocol: "tcp",
    weight: 5,
    labels: [],
    source: "registration",
    adminState: "up",
    health: "down",
    healthReason: "connection refused\u001b[2J",
    healthAgeSeconds: 3,
    state: "down",
    leaseRemainingSeconds: 250,
    ageSeconds: 90061,
  },
];

export const CAPABILITIES: readonly CapabilityRow[] = [
  {
    capability: "/vision/ocr",
    majorVersion: 1,
    tenant: "acme",
    address: "fd5e:3d00:1:1:1:1a2b:3c4d:0",
    dnsName: "ocr.vision.cap.acme.example.net",
    servicePort: 80,
    protocol: "tcp",
    sites: 2,
    sitesKnown: 3,
    localInstances: 1,
    localInstancesKnown: 1,
    bestOrigin: "10.0.0.2",
  },
  {
    capability: "/audio/speech",
    majorVersion: 1,
    tenant: "acme",
    address: "fd5e:3d00:1:1:2:5e6f:7a8b:0",
    dnsName: "speech.audio.cap.acme.example.net",
    servicePort: 80,
    protocol: "tcp",
    sites: 0,
    sitesKnown: 1,
    localInstances: 0,
    localInstancesKnown: 0,
  },
];

const ROUTE: RouteRow = {
  capability: "/vision/ocr",
  type: "site",
  capabilityId: "1a2b3c4d00112233445566778899aabb",
  tenant: "acme",
  origin: "10.0.0.2",
  nextHop: "fd00:ffff::2",
  peer: "r2",
  local: false,
  status: "best",
  stale: false,
  step: "router-id",
  weight: 20,
  score: 10,
  siteState: "up",
  version: "1.0",
  labels: ["eu"],
  lease: { sequence: "17", remainingSeconds: 280, renewSeconds: 100 },
  localPref: 100,
  asPath: "",
  communities: ["target:65000:1"],
  ageSeconds: 65,
};

export const ROUTES: readonly RouteRow[] = [
  ROUTE,
  {
    ...ROUTE,
    origin: "10.0.0.3",
    nextHop: "fd00:ffff::3",
    peer: "r3",
    status: "group",
    stale: true,
    weight: 10,
    score: 5,
  },
  {
    ...ROUTE,
    origin: "10.0.0.4",
    nextHop: "fd00:ffff::4",
    peer: "r4",
    status: "excluded",
    step: "lease",
    siteState: "degraded",
    lease: { sequence: "2", remainingSeconds: -5, renewSeconds: 100 },
    ageSeconds: 700_000,
  },
  {
    ...ROUTE,
    type: "instance",
    instanceId: "0102030405060708",
    origin: "10.0.0.5",
    nextHop: "fd00:ffff::5",
    peer: "r4",
    step: "only-candidate",
    communities: ["target:65000:1", "no-export"],
  },
  {
    ...withoutCapability(ROUTE),
    type: "prefix",
    capability: "/vision/...",
    step: "only-candidate",
    aggregate: { count: 40, minimum: 3, mean: 8, maximum: 10 },
  },
  {
    ...withoutCapability(ROUTE),
    type: "agent",
    capability: "spiffe://example.net/acme/agent/ocr",
    agentId: "00112233445566778899aabbccddeeff",
    step: "mobility-sequence",
    lease: { sequence: "1960763719681", remainingSeconds: 280, renewSeconds: 100 },
  },
];

function withoutCapability({ capabilityId: _, ...row }: RouteRow): RouteRow {
  return row;
}

export const PREFIXES: readonly UnicastRouteRow[] = [
  {
    prefix: "2001:db8:77::/48",
    nextHop: "fd00:ffff::2",
    peer: "fd00:ffff::2",
    local: false,
    status: "best",
    stale: false,
    origin: "igp",
    localPref: 100,
    multiExitDisc: 5,
    asPath: "65001 65002",
    communities: ["65000:1", "no-export"],
    ageSeconds: 65,
  },
  {
    prefix: "2001:db8:77::/48",
    nextHop: "fd00:ffff::3",
    peer: "fd00:ffff::3",
    local: false,
    status: "other",
    stale: true,
    step: "as-path-length",
    origin: "incomplete",
    asPath: "65001 65002 {65003 65004}",
    communities: [],
    ageSeconds: 700,
  },
];

export const PEERS: readonly PeerRow[] = [
  {
    address: "fd00:ffff::2",
    description: "r2",
    remoteAs: 65000,
    kind: "internal",
    reflectorClient: false,
    enabled: true,
    timersSeconds: {},
    updatesReceived: "0",
    updatesSent: "0",
    flaps: 0,
    failuresInARow: 0,
    refusedConnections: 0,
    state: "Established",
    stateAgeSeconds: 130,
    routerId: "10.0.0.2",
    holdTimeSeconds: 3,
    keepaliveSeconds: 1,
    gracefulRestart: { restartTimeSeconds: 120, forwardingPreserved: true, helping: false, lastResort: false },
    families: ["ipv6 capability", "ipv6/unicast"],
    perFamily: [
      { family: "capability", agreed: true, disabled: false, routesReceived: 1, routesAdvertised: 2, routesPending: 0 },
      {
        family: "ipv6-unicast",
        agreed: true,
        disabled: false,
        routesReceived: 7,
        routesAdvertised: 3,
        routesPending: 0,
      },
      {
        family: "ipv4-unicast",
        agreed: false,
        disabled: false,
        routesReceived: 0,
        routesAdvertised: 0,
        routesPending: 0,
      },
    ],
    routesReceived: 8,
    routesAdvertised: 5,
    routesPending: 0,
    messagesReceived: "140",
    messagesSent: "141",
    establishedTransitions: 1,
    bfd: {
      state: "Up",
      remoteState: "Up",
      pathFailed: false,
      multihop: true,
      transmitMs: 50,
      detectionMs: 150,
      downs: 0,
      failures: 0,
      packetsSent: "2600",
      packetsReceived: "2599",
      packetsDiscarded: "0",
      packetsLate: "0",
      latestMs: 0.3,
      stalls: 0,
    },
  },
  {
    address: "fd00:ffff::3",
    description: "r3",
    remoteAs: 65000,
    kind: "internal",
    reflectorClient: false,
    enabled: true,
    timersSeconds: {},
    updatesReceived: "0",
    updatesSent: "0",
    flaps: 0,
    failuresInARow: 0,
    refusedConnections: 0,
    state: "Active",
    stateAgeSeconds: 9,
    gracefulRestart: { restartTimeSeconds: 120, forwardingPreserved: true, helping: true, lastResort: false },
    families: [],
    perFamily: [
      {
        family: "capability",
        agreed: false,
        disabled: false,
        routesReceived: 1,
        routesAdvertised: 0,
        routesPending: 2,
      },
    ],
    routesReceived: 1,
    routesAdvertised: 0,
    routesPending: 2,
    messagesReceived: "70",
    messagesSent: "71",
    establishedTransitions: 2,
    lastError: "hold timer expired",
    bfd: {
      state: "Down",
      remoteState: "Down",
      pathFailed: true,
      multihop: true,
      transmitMs: 1000,
      diagnostic: "control detection time expired",
      downs: 1,
      failures: 1,
      packetsSent: "1400",
      packetsReceived: "1399",
      packetsDiscarded: "0",
      packetsLate: "0",
      latestMs: 0.4,
      stalls: 0,
    },
  },
];

export const FIB: readonly FibRow[] = [
  {
    address: "fd5e:3d00:1:1:1:1a2b:3c4d:0",
    capability: "/vision/ocr",
    tenant: "acme",
    group: 1,
    localGroup: 0,
    nextHops: [
      {
        index: 1,
        kind: "tunnel",
        towards: "fd00:ffff::2",
        state: "up",
        slots: 43,
        slotCount: 64,
        slotsInTransition: 0,
        backup: false,
        localOnly: false,
      },
      {
        index: 2,
        kind: "tunnel",
        towards: "fd00:ffff::3",
        encapsulation: "VXLAN 7",
        state: "down",
        slots: 21,
        slotCount: 64,
        slotsInTransition: 3,
        backup: true,
        localOnly: false,
      },
    ],
  },
  { address: "fd5e:3d00:1:1:2:5e6f:7a8b:0", group: 0, localGroup: 0, nextHops: [] },
];

export const COUNTERS: CountersReport = {
  driver: "kernel",
  verdicts: [
    { verdict: "encapsulated", packets: "18446744073709551615" },
    { verdict: "reject-empty-group", packets: "2" },
    { verdict: "drop-truncated", packets: "0" },
  ],
  sites: [
    { index: 1, name: "r2", towards: "fd00:ffff::2", packets: "1300", octets: "900000", flows: "134" },
    { index: 2, name: "r3", towards: "fd00:ffff::3", packets: "650", octets: "450000", flows: "66" },
  ],
  instances: [],
  tenants: [{ tenant: "acme", packets: "1950", octets: "1350000", denied: "3", limited: "40", spoofed: "0" }],
  capabilities: [
    { capability: "/vision/ocr", version: 1, tenant: "acme", packets: "1900", octets: "1300000", limited: "31" },
    { capability: "/audio/speech", version: 1, tenant: "acme", limited: "0" },
  ],
  tags: [{ tag: 7, packets: "12", octets: "960" }],
};

export const PACKET: PacketReport = {
  source: "fd00:c::10",
  sourcePort: 40000,
  destination: "fd5e:3d00:1:1:8abc:1234:5678:0",
  port: 80,
  protocol: "tcp",
  interface: "eth1",
  hook: "tcx",
  portTenant: "acme",
  verdict: "encapsulated",
  text: "sent through a tunnel to the router of the chosen site",
  action: "forward",
  capability: "/vision/ocr",
  tenant: "acme",
  known: true,
  policy: {
    tenant: "acme",
    rule: "reads",
    ruleOwner: "beta",
    text: "the rule reads of beta lets acme call /vision/ocr; clients of acme: tag 7",
  },
  newFlow: true,
  flowLabel: 0x1a2b,
  sites: {
    slot: 17,
    inTransition: true,
    probes: [
      { as: "slot", slot: 17, kind: "tunnel", name: "r3", towards: "fd00:ffff::3", state: "down", fate: "not usable" },
      { as: "slot", slot: 18, kind: "tunnel", name: "r2", towards: "fd00:ffff::2", state: "up", fate: "taken" },
      { as: "backup", kind: "local", towards: "this router", state: "up", fate: "not looked at" },
    ],
  },
  leaves: { to: "fd00:ffff::2", length: 140, interface: "eth2", gateway: "fe80::2", mtu: 1500 },
};

export const EXPLAIN: ExplainReport = {
  capability: "/vision/ocr",
  tenant: "acme",
  majorVersion: 1,
  known: true,
  address: "fd5e:3d00:1:1:1:1a2b:3c4d:0",
  dnsName: "ocr.vision.cap.acme.example.net",
  winner: "10.0.0.2",
  step: "score",
  reason: "score 10 is above 5",
  candidates: [
    {
      origin: "10.0.0.2",
      originName: "r2",
      nextHop: "fd00:ffff::2",
      peer: "r2",
      local: false,
      judgement: "winner",
      step: "score",
      reason: "score 10 is above 5 of 10.0.0.3.",
      weight: 20,
      score: 10,
      siteState: "up",
      leaseRemainingSeconds: 280,
      localPref: 100,
      stale: false,
      ageSeconds: 65,
    },
    {
      origin: "10.0.0.3",
      nextHop: "fd00:ffff::3",
      peer: "r3",
      local: false,
      judgement: "group",
      step: "score",
      reason: "same preference, score 5.",
      weight: 10,
      score: 5,
      siteState: "up",
      leaseRemainingSeconds: 250,
      localPref: 100,
      stale: true,
      ageSeconds: 60,
    },
    {
      origin: "10.0.0.4",
      originName: "r4",
      nextHop: "fd00:ffff::4",
      peer: "r4",
      local: false,
      judgement: "excluded",
      step: "lease",
      reason: "its lease ran out 5 s ago.",
      weight: 1,
      score: 10,
      siteState: "up",
      leaseRemainingSeconds: -5,
      localPref: 100,
      stale: false,
      ageSeconds: 700,
    },
  ],
  instances: [
    {
      agent: "spiffe://example.net/acme/agent/ocr-a",
      address: "fd00:a:21::10",
      port: 8080,
      state: "down",
      weight: 10,
      reason: "connection refused",
    },
  ],
};

export const POLICIES: readonly PolicyRow[] = [
  {
    policy: "edges",
    statement: "far",
    position: 1,
    conditions: ["community-set marks", "score 0-5"],
    actions: ["local-preference 50", "add community 65000:1"],
    result: "next-statement",
    sets: "3",
    routes: "120",
    usedBy: ["import from r2"],
  },
  {
    policy: "edges",
    statement: "rest",
    position: 2,
    conditions: [],
    actions: [],
    result: "accept",
    sets: "7",
    routes: "900",
    usedBy: ["import from r2"],
  },
  {
    policy: "spare",
    statement: "none",
    position: 1,
    conditions: ["none of prefix-set customers"],
    actions: [],
    result: "reject",
    sets: "0",
    routes: "0",
    usedBy: [],
  },
];

export const MRT: readonly MrtJobRow[] = [
  {
    name: "all",
    kind: "table",
    folder: "/var/lib/semrd/mrt",
    lastFile: "/var/lib/semrd/mrt/all.rib.20261120T120000Z.mrt",
    files: "24",
    octets: "123456789",
    records: "0",
    lost: "0",
    failures: "0",
  },
  {
    name: "sessions",
    kind: "updates",
    folder: "/var/lib/semrd/mrt",
    writing: "/var/lib/semrd/mrt/sessions.updates.20261120T130000Z.mrt.part",
    files: "3",
    octets: "9876",
    records: "120",
    lost: "7",
    failures: "1",
    lastFailure: "ENOSPC: no space left on device, write",
  },
];

/** Received ones first. */
export const EXCHANGED: readonly ExchangedRouteRow[] = [
  {
    ...{ type: "site", route: "/vision/ocr", tenant: "acme", originId: "10.255.0.1", outcome: "accepted" },
    ...{ nextHop: "fd00:ffff::1", origin: "igp", localPref: 100, asPath: "", communities: ["target:65000:1"] },
    ...{ score: 9, ageSeconds: 61 },
  },
  {
    ...{ type: "prefix", route: "2001:db8:7::/48", outcome: "refused", reason: "as-loop", ageSeconds: 5 },
    ...{ nextHop: "2001:db8::2", origin: "igp", asPath: "65002 65000", communities: ["65002:7"] },
  },
  {
    ...{ type: "prefix", route: "2001:db8:8::/48", pathId: 3, outcome: "changed", ageSeconds: 4 },
    ...{ nextHop: "2001:db8::2", origin: "incomplete", multiExitDisc: 5, asPath: "65002", communities: [] },
  },
  {
    ...{ type: "prefix", route: "2001:db8:9::/48", outcome: "told", from: "local" },
    ...{ nextHop: "2001:db8::1", origin: "igp", asPath: "65000", communities: [] },
  },
  {
    ...{ type: "prefix", route: "2001:db8:a::/48", outcome: "not-told", reason: "policy", from: "2001:db8::3" },
    ...{ nextHop: "2001:db8::3", origin: "igp", asPath: "65003", communities: ["no-export"] },
  },
];

export const BMP: readonly BmpStationRow[] = [
  {
    name: "noc",
    address: "fd00::b",
    port: 11019,
    state: "telling",
    connectedSecondsAgo: 7,
    tables: ["post-policy", "loc-rib"],
    peers: 3,
    messages: "120345",
    octets: "14567890",
    queued: "65536",
    resyncs: "1",
    connections: "2",
    failures: "1",
  },
  {
    name: "lab",
    address: "collector.example.net",
    port: 5000,
    state: "down",
    tables: ["pre-policy"],
    peers: 0,
    messages: "0",
    octets: "0",
    queued: "0",
    resyncs: "0",
    connections: "0",
    failures: "5",
    lastError: "getaddrinfo ENOTFOUND collector.example.net",
  },
];

export const RPKI: readonly RpkiCacheRow[] = [
  {
    name: "near",
    address: "fd00::323",
    port: 323,
    preference: 1,
    state: "synchronised",
    version: 1,
    sessionId: 4711,
    serial: 12,
    vrps: "512345",
    counts: true,
    refreshSeconds: 3600,
    retrySeconds: 600,
    expireSeconds: 7200,
    updatedSecondsAgo: 75,
    connections: "1",
    failures: "0",
  },
  {
    name: "far",
    address: "rpki.example.net",
    port: 8282,
    preference: 2,
    state: "down",
    version: 0,
    vrps: "0",
    counts: false,
    refreshSeconds: 3600,
    retrySeconds: 600,
    expireSeconds: 7200,
    connections: "0",
    failures: "17",
    lastError: "connect ECONNREFUSED 192.0.2.1:8282",
  },
];

export const FLOWS: readonly FlowRecordRow[] = [
  {
    state: "active",
    began: "2026-11-20T09:00:00.123Z",
    until: "2026-11-20T09:01:12.500Z",
    ...{
      client: "fd00:c::10",
      clientPort: 40000,
      address: "fd5e:3d00:1:1:8abc:1234:5678:0",
      port: 80,
      protocol: "tcp",
    },
    ...{ tenant: "acme", capability: "/vision/ocr", verdict: "delivered", tag: 7 },
    ...{ agent: "spiffe://example.net/acme/agent/ocr-a", agentAddress: "fd00:a::10", agentPort: 8080 },
    ...{ packets: "1200", octets: "90210", packetsBack: "2400", octetsBack: "3355443", interval: 1 },
  },
  {
    state: "begun",
    began: "2026-11-20T09:00:59.000Z",
    until: "2026-11-20T09:00:59.000Z",
    ...{
      client: "fd00:c::10",
      clientPort: 40001,
      address: "fd5e:3d00:1:1:8abc:1234:5678:0",
      port: 80,
      protocol: "tcp",
    },
    ...{ tenant: "acme", capability: "/vision/ocr", verdict: "encapsulated", site: "r2" },
    ...{ packets: "1", octets: "80", packetsBack: "0", octetsBack: "0", interval: 1 },
  },
  {
    state: "refused",
    began: "2026-11-20T08:59:59.000Z",
    until: "2026-11-20T08:59:59.000Z",
    ...{ client: "fd00:c::66", clientPort: 5, address: "fd5e:3d00:1:2:8abc:1234:5678:0", port: 443, protocol: "tcp" },
    ...{ tenant: "globex", verdict: "reject-tenant" },
    ...{ packets: "1", octets: "80", packetsBack: "0", octetsBack: "0", interval: 64 },
  },
];

export const VRPS: readonly VrpRow[] = [
  { prefix: "192.0.2.0/24", maxLength: 26, autonomousSystem: 65551 },
  { prefix: "2001:db8::/32", maxLength: 48, autonomousSystem: 65000 },
];

/** Datastores that take every transaction, and write down what came; or answer it with `refusal`. */
export function fixedManagement(
  told: string[],
  refusal: readonly ManagementFault[] = [],
): ControlHandlers["management"] {
  const management: Partial<ControlHandlers["management"]> = {
    openSession: (who) => ({ ...who, id: 1 }),
    closeSession: async () => {},
    async transact(_, steps) {
      for (const step of steps) told.push(`${step.operation} ${step.path}${"value" in step ? ` ${step.value}` : ""}`);
      if (refusal.length > 0) return { ok: false, faults: refusal };
      return { ok: true, value: { transactionId: "1", consequences: [] } };
    },
  };
  return management as ControlHandlers["management"];
}

/** A router whose answers are the fixtures, and which writes down what it was told to do. */
export function fixedRouter(overrides: Partial<ControlHandlers> = {}): ControlHandlers & { readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    status: () => STATUS,
    agents: () => AGENTS,
    capabilities: () => CAPABILITIES,
    routes: () => ROUTES,
    unicastRoutes: (family) => (family === "ipv6-unicast" ? PREFIXES : []),
    received: (_peer, family) => (family === "capability" ? [EXCHANGED[0]!] : EXCHANGED.slice(1, 3)),
    advertised: () => EXCHANGED.slice(3),
    peers: () => PEERS,
    policies: () => POLICIES,
    fib: () => FIB,
    mrt: () => MRT,
    bmp: () => BMP,
    flows: () => FLOWS,
    rpki: () => RPKI,
    vrps: () => VRPS,
    async *mrtTable(question) {
      told.push(`table ${JSON.stringify(question)}`);
      yield Uint8Array.of(1, 2);
      yield Uint8Array.of(3);
    },
    counters: () => COUNTERS,
    explain: (question) => {
      told.push(`explain ${JSON.stringify(question)}`);
      return EXPLAIN;
    },
    explainPacket: (inquiry) => {
      const text = (value: unknown) => (value instanceof Uint8Array ? formatIpv6(value) : value);
      told.push(`packet ${JSON.stringify(Object.fromEntries(Object.entries(inquiry).map(([k, v]) => [k, text(v)])))}`);
      return PACKET;
    },
    management: fixedManagement(told),
    schema: () => ({ "content-id": "0", nodes: [] }),
    alarms: () => ALARMS,
    events: () => EVENTS,
    isConfigured: () => false,
    agentInstances: (agent) => ({ agent, instances: ["00112233aabbccdd"] }),
    resetCounters: (what) => {
      told.push(`reset ${what === undefined ? "all counters" : what.join(" ")}`);
      return { "discontinuity-time": "2026-11-20T12:00:00Z" };
    },
    resetPeerCounters: (address) => {
      told.push(`reset counters of ${address === undefined ? "all peers" : formatIpv6(address)}`);
      return { "discontinuity-time": "2026-11-20T12:00:00Z" };
    },
    resetPolicyCounters: (policy = "all policies") => {
      told.push(`reset counters of ${policy}`);
      return { "discontinuity-time": "2026-11-20T12:00:00Z" };
    },
    drainRouter: (on) => {
      told.push(on ? "drain router" : "undrain router");
      return { draining: on };
    },
    drainAgent: (agent, { on = true, instances } = {}) => {
      told.push([on ? "drain" : "undrain", agent, ...(instances ?? [])].join(" "));
      return { agent, instances: instances ?? ["00112233aabbccdd", "ffeeddccbbaa9988"] };
    },
    removeAgent: (agent) => {
      told.push(`remove ${agent}`);
      return { agent, instances: [] };
    },
    clearPeer: (address, how, message) => {
      const kind = how === "hard" ? "clear" : `clear ${how}`;
      told.push(`${kind} ${[...address].slice(-1)}${message === undefined ? "" : ` ${JSON.stringify(message)}`}`);
    },
    checkConfig: async (text, folder) => {
      told.push(`check ${text.length} ${folder}`);
      return { valid: false, faults: [{ reason: "no", line: 1 }] };
    },
    ...overrides,
  };
}
