import type { Clock } from "../base/index.ts";
import type { Directory } from "./directory.ts";
import { type AgentRequest, registered } from "./record.ts";

/** An agent that the configuration names; it never calls us and has no lease. */
export type StaticAgent = Omit<AgentRequest, "source" | "lease">;

/**
 * Makes the configured agents of `directory` exactly `agents`: adds, changes and removes, and tells only what changed.
 *
 * A configured agent takes over one of the same ID and tenant that had registered itself; it keeps health and an operator's hold.
 * All are checked before the first is touched.
 * @throws {DirectoryError} directory.agent-held (another tenant's), directory.duplicate-instance, directory.capability-limit
 */
export function applyStaticAgents(directory: Directory, agents: readonly StaticAgent[], clock: Clock): void {
  const wanted = agents.map((agent) => {
    const current = directory.agent(agent.agent);
    return registered(current, { ...agent, source: "configuration" }, clock.wall());
  });
  const reserved = new Map<string, number>();
  for (const record of wanted) {
    const before = reserved.get(record.tenant) ?? 0;
    directory.check(record, before);
    const grows = record.offers.length - (directory.agent(record.agent)?.offers.length ?? 0);
    reserved.set(record.tenant, before + Math.max(0, grows));
  }
  const named = new Set(agents.map((agent) => agent.agent));
  const gone = [...directory.agents()].filter(({ source, agent }) => source === "configuration" && !named.has(agent));
  for (const record of wanted) directory.put(record);
  for (const { agent } of gone) directory.remove(agent, "configuration");
}
