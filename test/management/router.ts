import { formatIpv6 } from "../../src/base/index.ts";
import type { ControlHandlers, ManagementFault } from "../../src/management/index.ts";
import { AGENTS, CAPABILITIES } from "./fixed/agent-rows.ts";
import { COUNTERS, FIB, FLOWS, PACKET } from "./fixed/forwarding-rows.ts";
import { BMP, MRT, PEERS, POLICIES, RPKI, VRPS } from "./fixed/peer-rows.ts";
import { EXCHANGED, EXPLAIN, PREFIXES, ROUTES } from "./fixed/route-rows.ts";
import { ALARMS, EVENTS, STATUS } from "./fixed/status-rows.ts";

export * from "./fixed/agent-rows.ts";
export * from "./fixed/forwarding-rows.ts";
export * from "./fixed/peer-rows.ts";
export * from "./fixed/route-rows.ts";
export * from "./fixed/status-rows.ts";

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
      told.push(`reset counters of ${address ?? "all peers"}`);
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
      return { valid: false, faults: [{ reason: "no", line: 1 }], warnings: [] };
    },
    ...overrides,
  };
}
