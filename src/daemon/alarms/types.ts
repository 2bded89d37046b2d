import type { AlarmType } from "../../management/index.ts";

const type = (name: string, severities: AlarmType["severities"], description: string): AlarmType => ({
  ...{ id: `semrd-alarms:${name}`, severities, description },
});

/** What this router raises alarms of: the identities of semrd-alarms. @see RFC 8632 §3.2 */
export const ALARM_TYPES = {
  sessionDown: type(
    "bgp-session-down",
    ["major"],
    "There is no session with a neighbour that is configured and not shut down: semrctl show peers says why.",
  ),
  neighborLimit: type(
    "bgp-neighbor-limit",
    ["minor"],
    "A range of dynamic neighbours has as many as it may have: raise its limit, or find out who connects.",
  ),
  routeLimit: type(
    "route-limit",
    ["warning", "critical"],
    "A table of routes, or a neighbour, has nearly as many routes as it may have: raise the maximum, or filter routes.",
  ),
  unserved: type(
    "capability-unserved",
    ["major"],
    "A capability that was served is served by no site for a tenant: semrctl explain says who was excluded and why.",
  ),
  tableFull: type(
    "table-nearly-full",
    ["warning", "critical"],
    "A table of the data plane is nearly full: raise max-capabilities and restart, or announce fewer capabilities.",
  ),
  degraded: type(
    "dataplane-degraded",
    ["warning", "minor", "major", "critical"],
    "Packets are forwarded slower than they could be, at an interface not at all, or by another data plane than the best one.",
  ),
  executorAway: type(
    "executor-away",
    ["minor", "major"],
    "The executor of the forwarding plan is away, or refuses parts of it: semrctl show dataplane says which.",
  ),
  certificate: type(
    "certificate-expiry",
    ["warning", "major", "critical"],
    "A certificate of this router ends soon, has ended, or cannot be read: put a new one in its place.",
  ),
  persist: type(
    "persist-failure",
    ["major"],
    "A change of the configuration could not be made durable, and was refused: look at the file system of the state directory.",
  ),
} as const;
