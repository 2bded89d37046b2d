import { expectEqual, expectThat, waitFor } from "./check.ts";
import type { Seen, StoryContext } from "./context.ts";
import { AGENTS, OCR, OCR_AGENTS, ROUTERS, TENANT } from "./places.ts";
import { register } from "./registration.ts";

/** Agents register at their nearest router; r1 learns of the two sites over BGP. */
export async function registerAgents(context: StoryContext): Promise<Seen> {
  for (const agent of AGENTS) {
    const token = await context.issuer.mint({ subject: agent.id, tenant: TENANT, capabilities: [agent.capability] });
    const answer = await register(context, { agent, token });
    expectThat(`${agent.name} registers at ${agent.router}`, answer.status === 201, "status 201", answer);
    context.fact(
      `${agent.name} (${agent.program}) registered ${agent.capability} at ${agent.router}: HTTPS, bearer token, weight ${agent.weight}`,
      answer.milliseconds,
    );
  }

  const began = performance.now();
  const expected = new Map(
    ["r2", "r3"].map((router) => [
      router,
      OCR_AGENTS.filter((agent) => agent.router === router).reduce((sum, agent) => sum + agent.weight, 0),
    ]),
  );
  let last: unknown;
  const routes = await waitFor(`r1 has routes of ${OCR} from r2 and r3`, {
    within: 20_000,
    signal: context.signal,
    seen: () => last,
    look: async () => {
      const found = await context.ocrRoutes("r1");
      last = [...found.values()];
      return [...expected].every(([router, weight]) => found.get(router)?.weight === weight) ? found : undefined;
    },
  });
  context.fact(`r1 has a capability route from each of the two sites`, performance.now() - began);
  for (const [name, route] of routes) {
    expectEqual(`next hop of the route from ${name}`, route.nextHop, ROUTERS[name as keyof typeof ROUTERS].locator);
  }
  context.narrator.table([
    ["route", "from", "next hop", "weight", "score", "labels", "local pref", "lease", "age"],
    ...[...routes].map(([name, route]) => [
      `${route.capability} v${route.version ?? "?"}`,
      name,
      route.nextHop,
      String(route.weight),
      String(route.score ?? "-"),
      route.labels.join(" ") || "-",
      String(route.localPref ?? "-"),
      route.lease === undefined ? "-" : `${Math.round(route.lease.remainingSeconds)} s`,
      `${route.ageSeconds.toFixed(1)} s`,
    ]),
  ]);
  for (const [name, route] of routes) context.narrator.quote([`from ${name}: ${route.communities.join(" ")}`]);
  await context.calm();
  return { agents: AGENTS.length, routes: [...routes.values()] };
}
