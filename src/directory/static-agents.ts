import { type Clock, Slices } from "../base/index.ts";
import type { Directory } from "./directory.ts";
import { type AgentRecord, type AgentRequest, type InstanceIds, registered } from "./record.ts";

/** An agent that the configuration names; it never calls us and has no lease. */
export type StaticAgent = Omit<AgentRequest, "source" | "lease">;

/**
 * Makes the configured agents of `directory` exactly `agents`: adds, changes and removes, and tells only what changed.
 *
 * A configured agent takes over one of the same ID and tenant that had registered itself; it keeps health and an operator's hold.
 * All are checked before the first is touched, and nobody else may put agents meanwhile: it takes many turns where they are many.
 * @throws {DirectoryError} directory.agent-held (another tenant's), directory.duplicate-instance, directory.capability-limit
 */
export async function applyStaticAgents(
  directory: Directory,
  agents: readonly StaticAgent[],
  clock: Clock,
): Promise<void> {
  const slices = new Slices(clock);
  const wanted: { readonly record: AgentRecord; readonly ids: InstanceIds }[] = [];
  const reserved = new Map<string, number>();
  for (const agent of agents) {
    if (slices.isOver) await slices.next();
    const current = directory.agent(agent.agent);
    const record = registered(current, { ...agent, source: "configuration" }, clock.wall());
    const before = reserved.get(record.tenant) ?? 0;
    wanted.push({ record, ids: directory.check(record, before) });
    const grows = record.offers.length - (directory.agent(record.agent)?.offers.length ?? 0);
    reserved.set(record.tenant, before + Math.max(0, grows));
  }
  const named = new Set(agents.map((agent) => agent.agent));
  const gone = [...directory.agents()].filter(({ source, agent }) => source === "configuration" && !named.has(agent));
  for (const { record, ids } of wanted) {
    if (slices.isOver) await slices.next();
    directory.put(record, ids);
  }
  for (const { agent } of gone) {
    if (slices.isOver) await slices.next();
    directory.remove(agent, "configuration");
  }
}
