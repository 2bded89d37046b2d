export { agentsView, capabilitiesView } from "./agents.ts";
export { countersView } from "./counters.ts";
export { explainView } from "./explain.ts";
export { fibView } from "./fib.ts";
export { peersView } from "./peers.ts";
export { policiesView } from "./policies.ts";
export { routeDetailsView, routesView } from "./routes.ts";
export { statusView } from "./status.ts";
export { unicastRouteDetailsView, unicastRoutesView } from "./unicast-routes.ts";
