import { localName, type TreeChange } from "../datastore/index.ts";
import type { Agent } from "../schema/instance/semrd-agent.ts";
import type { AgentConfiguration, InstanceConfiguration } from "./agents.ts";
import type { TaxonomyConfiguration } from "./types.ts";

const AGENTS = "semrd-agent:agents";

/** The agents that the changes are about: new ones as they were given, the others by their ID. */
export function changedAgents(changes: readonly TreeChange[], known: readonly AgentConfiguration[]) {
  const created: unknown[] = [];
  const put = new Set<string>();
  const removed = new Set<string>();
  for (const { path, operation, value } of changes) {
    const section = path[1]!;
    if (section.name !== AGENTS && localName(section) !== "agents") continue;
    const id = path[2]?.keys?.id;
    if (id !== undefined && path.length === 3 && operation === "create") created.push(value);
    else if (id !== undefined) (path.length === 3 && operation === "delete" ? removed : put).add(id);
    // All of them came or went with the container.
    else if (operation === "delete") for (const gone of known) removed.add(gone.id);
    else for (const agent of (value as { agent?: readonly Agent[] }).agent ?? []) created.push(agent);
  }
  return { created, put: [...put], removed: [...removed] };
}

/** Agents whose capability has another port or protocol now; not those in `done`. */
export function reclassified(
  agents: readonly AgentConfiguration[],
  { capabilities }: TaxonomyConfiguration,
  done: ReadonlySet<string>,
): AgentConfiguration[] {
  const known = new Map(capabilities.map((entry) => [`${entry.name} ${entry.majorVersion}`, entry]));
  const entryOf = ({ capability, version }: InstanceConfiguration) => known.get(`${capability} ${version.major}`)!;
  const isOther = (instance: InstanceConfiguration): boolean => {
    const { servicePort, protocol } = entryOf(instance);
    return instance.servicePort !== servicePort || instance.endpoint.protocol !== protocol;
  };
  return agents
    .filter(({ id, instances }) => !done.has(id) && instances.some(isOther))
    .map((agent) => ({
      ...agent,
      instances: agent.instances.map((instance) => {
        const { servicePort, protocol } = entryOf(instance);
        return { ...instance, servicePort, endpoint: { ...instance.endpoint, protocol } };
      }),
    }));
}
