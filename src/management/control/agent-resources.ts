import { formatPath } from "../datastore/index.ts";
import { order } from "./configuration-bodies.ts";
import { accepted } from "./configuration-refusal.ts";
import { inSession } from "./configure-sessions.ts";
import { ControlRefusal } from "./handlers.ts";
import { entry, operation } from "./permission.ts";
import { parameters } from "./request.ts";
import { type Resource, report } from "./resource.ts";

const agentPath = (id: string): string =>
  formatPath([{ name: "semrd-router:router" }, { name: "semrd-agent:agents" }, { name: "agent", keys: { id } }]);

/** Agents of the configuration, as entries of its list; each request is a commit of its own. */
export const AGENT_RESOURCES: readonly Resource[] = [
  {
    method: "POST",
    path: "agents",
    needs: operation("edit-config"),
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        parameters(exchange.target, []);
        const agent = await order<{ readonly id: unknown }>(exchange);
        if (typeof agent.id !== "string") {
          const detail = "an agent is a JSON object with id, tenant and capability";
          throw new ControlRefusal(400, "control.bad-request", "Bad request", detail);
        }
        const { management } = exchange.handlers;
        const step = { operation: "merge", path: agentPath(agent.id), value: JSON.stringify(agent) } as const;
        accepted(await management.transact(session, [step], { comment: `add agent ${agent.id}` }));
        return report(exchange.handlers.agentInstances(agent.id), 201);
      }),
  },
  {
    method: "DELETE",
    path: "agents/{}",
    needs: { kind: "removal", path: (id) => entry(["semrd-agent:agents", "semrd-agent:agent"], { id }) },
    answer: (exchange) =>
      inSession(exchange, async (session) => {
        parameters(exchange.target, []);
        const { name, handlers } = exchange;
        if (!handlers.isConfigured(name)) return report(await handlers.removeAgent(name));
        const result = handlers.agentInstances(name);
        const step = { operation: "remove", path: agentPath(name) } as const;
        accepted(await handlers.management.transact(session, [step], { comment: `remove agent ${name}` }));
        return report(result);
      }),
  },
];
