import type { AlarmRow, EventRow, StatusReport } from "../../../src/management/index.ts";

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
