import { formatIpv6, quicServerId } from "../../base/index.ts";
import { type Directory, type Instance, instanceState, type Taxonomy } from "../../directory/index.ts";
import type { Path, RouterConfiguration, StateRow, StateSource } from "../../management/index.ts";
import { present } from "../rows.ts";
import { InstanceCounters, type TrafficParts } from "./counters.ts";
import { dateAndTime, entry, place } from "./place.ts";

const AGENT = place("semrd-router:router", "semrd-agent:agents", "agent");
const CAPABILITY: Path = [...AGENT, { name: "semrd-agent:capability" }];
const [AT_AGENT, AT_CAPABILITY] = [2, 3];

export interface AgentStateParts extends TrafficParts {
  readonly taxonomy: Taxonomy;
  readonly configuration: Pick<RouterConfiguration, "site">;
}

/** Agents and their instances, those that have registered themselves with what they said as well. */
export function agentState(parts: AgentStateParts): readonly StateSource[] {
  const { directory } = parts;
  return [
    {
      path: AGENT,
      *rows(wanted) {
        const id = wanted[AT_AGENT]!.keys?.id;
        const agents = id === undefined ? directory.agents() : [directory.agent(id)];
        for (const agent of agents) if (agent !== undefined) yield agentRow(agent.agent, directory);
      },
      watch: (changed) =>
        directory.subscribe((changes) => {
          for (const agent of new Set(changes.map(({ instance }) => instance.agent))) changed(agentPath(agent));
        }),
    },
    {
      path: CAPABILITY,
      async *rows(wanted) {
        const id = wanted[AT_AGENT]!.keys?.id;
        const counters = await InstanceCounters.read(parts);
        for (const instance of id === undefined ? directory.instances() : directory.instancesOf(id))
          yield instanceRow(instance, counters, parts);
      },
      watch: (changed) =>
        directory.subscribe((changes) => {
          for (const { instance } of changes) changed(instancePath(instance));
        }),
    },
  ];
}

const agentPath = (id: string): Path => entry(AGENT, { [AT_AGENT]: { id } });

/** The keys of its entry. */
export const instanceKeys = ({ capability, version, endpoint }: Instance) => ({
  name: capability,
  "major-version": String(version.major),
  address: formatIpv6(endpoint.address),
  port: String(endpoint.port),
});

function instancePath(instance: Instance): Path {
  return entry(CAPABILITY, { [AT_AGENT]: { id: instance.agent }, [AT_CAPABILITY]: instanceKeys(instance) });
}

function agentRow(id: string, directory: Directory): StateRow {
  const agent = directory.agent(id)!;
  const instances = directory.instancesOf(id);
  const up = instances.filter((instance) => instanceState(instance) === "up").length;
  return {
    path: agentPath(id),
    value: {
      ...(agent.source === "configuration" ? {} : { tenant: agent.tenant }),
      state: { source: agent.source, instances: instances.length, "instances-up": up },
    },
  };
}

/** What is configured is said by the configuration. */
function learnt({ source, version, weight, labels }: Instance) {
  if (source === "configuration") return {};
  return { "minor-version": version.minor, weight, ...(labels.length === 0 ? {} : { label: labels }) };
}

/** For its QUIC server, where that is asked for. */
function serverId({ capability, version, endpoint }: Instance, { taxonomy, configuration }: AgentStateParts) {
  const isNamed = taxonomy.find(capability, version.major)?.affinity === "connection";
  return isNamed ? quicServerId(configuration.site.locator, endpoint) : undefined;
}

function instanceRow(instance: Instance, counters: InstanceCounters, parts: AgentStateParts): StateRow {
  const { health, lease, endpoint } = instance;
  return {
    path: instancePath(instance),
    value: {
      ...learnt(instance),
      state: {
        "instance-id": instance.id,
        state: instanceState(instance),
        "admin-state": instance.adminState,
        health: health.state,
        "health-changed": dateAndTime(health.since.wall),
        source: instance.source,
        protocol: endpoint.protocol,
        registered: dateAndTime(instance.registeredAt),
        ...present({ "quic-server-id": serverId(instance, parts) }),
        ...present({ "health-reason": health.reason, "lease-until": lease && dateAndTime(lease.validUntil) }),
        ...counters.of(instance.id),
      },
    },
  };
}
