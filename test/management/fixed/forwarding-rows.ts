import type { CountersReport, FibRow, FlowRecordRow, PacketReport } from "../../../src/management/index.ts";

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
