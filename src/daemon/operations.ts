import type { CapabilityName } from "../base/index.ts";
import {
  type Answer,
  answered,
  type ControlHandlers,
  ControlRefusal,
  type CounterPart,
  type ExplainReport,
  fault,
  formatPath,
  type OperationHandler,
  type OperationOutput,
  type OperationRequest,
  refused,
} from "../management/index.ts";
import type { ControlParts } from "./control.ts";
import { inquiryOf, packetFate } from "./packet-operation.ts";
import { present } from "./rows.ts";
import { instanceKeys } from "./state/index.ts";
import { auditTables } from "./table-audit.ts";

/** The rpcs and actions of our modules, carried out as the same commands on the control socket are. */
export function remoteOperations(
  parts: ControlParts,
  control: ControlHandlers,
): Readonly<Record<string, OperationHandler>> {
  const explained = async ({ input }: OperationRequest): Promise<ExplainReport> => {
    const { capability, tenant, "major-version": majorVersion } = input as unknown as Question;
    return control.explain({ capability, ...present({ tenant, majorVersion }) });
  };
  const operations: Readonly<Record<string, (request: OperationRequest) => Promise<OperationOutput>>> = {
    "/semrd-router:router/drain": async ({ input }) => ({ ...(await control.drainRouter(input.on === true)) }),
    "/semrd-router:router/semrd-bgp:bgp/neighbors/neighbor/clear": async ({ target, input }) => {
      const address = target.at(-1)!.keys!.address!;
      const message = input.message as string | undefined;
      const how = input.how as "hard" | "soft-in" | "soft-out" | "soft";
      const all = how === "soft" ? (["soft-in", "soft-out"] as const) : [how];
      for (const one of all) await control.clearPeer(address, one, one === "hard" ? message : undefined);
      return {};
    },
    [`${NEIGHBORS}/neighbor/reset-counters`]: async ({ target }) => ({
      ...(await control.resetPeerCounters(target.at(-1)!.keys!.address!)),
    }),
    [`${NEIGHBORS}/reset-counters`]: async () => ({ ...(await control.resetPeerCounters()) }),
    [`${POLICIES}/policy-definition/reset-counters`]: async ({ target }) => ({
      ...(await control.resetPolicyCounters(target.at(-1)!.keys!.name)),
    }),
    [`${POLICIES}/reset-counters`]: async () => ({ ...(await control.resetPolicyCounters()) }),
    "/semrd-router:router/semrd-agent:agents/agent/drain": async ({ target, input }) => {
      const { id } = target.at(-1)!.keys as { id: string };
      return { instance: (await control.drainAgent(id, { on: input.on === true })).instances };
    },
    "/semrd-router:router/semrd-agent:agents/agent/capability/drain": async ({ target, input }) => {
      const { id } = target.at(-2)!.keys as { id: string };
      const instance = instanceAt(parts, id, target.at(-1)!.keys!);
      await control.drainAgent(id, { on: input.on === true, instances: [instance] });
      return {};
    },
    "/semrd-router:router/semrd-dataplane:dataplane/reset-counters": async ({ input }) => ({
      ...(await control.resetCounters(input.only as readonly CounterPart[] | undefined)),
    }),
    "semrd-rib:explain": async (request) => explanation(await explained(request)),
    "semrd-dataplane:explain-packet": async ({ input }) => packetFate(await control.explainPacket(inquiryOf(input))),
    "semrd-rib:resolve": async (request) => resolution(parts, await explained(request)),
    "semrd-rib:rib-audit": ({ input }) => auditTables(parts, Number(input.maximum)),
  };
  return Object.fromEntries(
    Object.entries(operations).map(([name, carryOut]) => [name, (request) => said(request, carryOut)]),
  );
}

const NEIGHBORS = "/semrd-router:router/semrd-bgp:bgp/neighbors";
const POLICIES = "/semrd-router:router/semrd-policy:routing-policy/policy-definitions";

interface Question {
  readonly capability: CapabilityName;
  readonly tenant?: string;
  readonly "major-version"?: number;
}

/** What a request at the control socket would be refused with, in the words of RFC 6241. */
async function said(
  request: OperationRequest,
  carryOut: (request: OperationRequest) => Promise<OperationOutput>,
): Promise<Answer<OperationOutput>> {
  try {
    return answered(await carryOut(request));
  } catch (cause) {
    if (!(cause instanceof ControlRefusal)) throw cause;
    const { status, code, message } = cause;
    const tag = status === 404 ? "data-missing" : status === 400 ? "invalid-value" : "operation-failed";
    const path = request.target.length === 0 ? {} : { path: formatPath(request.target) };
    return refused(fault(tag, message, { appTag: code, ...path }));
  }
}

function instanceAt({ directory }: ControlParts, agent: string, keys: Readonly<Record<string, string>>): string {
  const found = directory
    .instancesOf(agent)
    .find((instance) => Object.entries(instanceKeys(instance)).every(([key, value]) => keys[key] === value));
  if (found !== undefined) return found.id;
  const message = `${agent} has no instance of ${keys.name} at [${keys.address}]:${keys.port} now`;
  throw new ControlRefusal(404, "control.no-such-instance", "No such instance", message);
}

function explanation(report: ExplainReport): OperationOutput {
  const { dnsName, majorVersion, candidates, instances, resolver, known, address, capability, tenant } = report;
  return {
    ...{ capability, tenant, "major-version": majorVersion, known, address, "dns-name": dnsName },
    ...present({ winner: report.winner, step: report.step, reason: report.reason }),
    candidate: candidates.map((one) => ({
      ...{ origin: one.origin, "next-hop": one.nextHop, peer: one.peer, judgement: one.judgement },
      ...present({ "origin-name": one.originName, score: one.score }),
      ...{ step: one.step, reason: one.reason, weight: one.weight, stale: one.stale },
    })),
    instance: instances.map(({ agent, address: at, port, state, weight, reason }) => ({
      ...{ agent, address: at, port, state, weight },
      ...present({ reason }),
    })),
    ...(resolver === undefined ? {} : { resolver: { prefix: resolver.prefix, origin: resolver.origin } }),
  };
}

function resolution({ taxonomy }: ControlParts, report: ExplainReport): OperationOutput {
  const { capability, majorVersion, candidates, address, dnsName } = report;
  const known = taxonomy.find(capability as CapabilityName, majorVersion);
  const sites = candidates.filter(({ judgement }) => judgement !== "excluded");
  return {
    ...{ address, "dns-name": dnsName },
    ...present({ "service-port": known?.servicePort, protocol: known?.protocol }),
    reachable: sites.length > 0,
    site: sites.map(({ origin, nextHop, weight }) => ({ origin, "next-hop": nextHop, weight })),
  };
}
