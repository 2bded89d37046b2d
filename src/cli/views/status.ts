import type { StatusReport } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import { printable } from "../terminal.ts";
import { age, count, pairs, state } from "./format.ts";

const MEANS = { checked: "by its health check", passive: "by how it answers", unjudged: "judged by nobody" } as const;

const alarmsText = (alarms: StatusReport["alarms"]): string =>
  alarms.length === 0
    ? "none"
    : `${alarms.map(({ severity, count: of }) => `${of} ${severity}`).join(", ")}: semrctl show alarms`;

function judgedBy({ instances, passiveHealth }: StatusReport["liveness"]): string {
  const { checked, passive, unjudged, out } = instances;
  const terms =
    passiveHealth === undefined
      ? ""
      : ` (${passiveHealth.failures} failures in a row are too many, out for ${age(passiveHealth.restSeconds)})`;
  return `health checks ${checked}, how they answer ${passive}${terms}, nobody ${unjudged}; out ${out}`;
}

function heartbeatsText(sent: StatusReport["liveness"]["heartbeats"]): string {
  if (sent === undefined) return "none sent";
  const { intervalMilliseconds, multiplier, routers, sendErrors, late, realtime } = sent;
  const faults = [
    ...(sendErrors === 0 ? [] : [`${sendErrors} not sent`]),
    ...(late === 0 ? [] : [`${late} late`]),
    ...(realtime ? [] : ["without realtime priority"]),
  ];
  const but = faults.length === 0 ? "" : `; ${faults.join(", ")}`;
  return `every ${intervalMilliseconds} ms to ${count(routers, "router")}, ${multiplier} may be missing${but}`;
}

export function statusView(report: StatusReport, style: TableStyle): string {
  const { paint } = style;
  const { dataplane, counts } = report;
  const running = state(report.state);
  const head = `${paint("bold", report.name)}: ${running.colour ? paint(running.colour, running.text) : running.text} for ${age(report.uptimeSeconds)}\n`;
  const facts = pairs([
    ["router ID", report.routerId],
    ["site", `${report.siteSelector}, locator ${report.locator}`],
    ["domain", `${report.dnsZone}, ${report.domainPrefix}`],
    [
      "data plane",
      `${dataplane.driver}, generation ${dataplane.generation}${dataplane.adopted ? ", taken over from the process before" : ""}`,
    ],
    ["agents", `${count(counts.agents, "agent")}, ${count(counts.instances, "instance")}`],
    ["alarms", alarmsText(report.alarms)],
    ["judged by", judgedBy(report.liveness)],
    ["heartbeats", heartbeatsText(report.liveness.heartbeats)],
    [
      "routes",
      `${count(counts.routes, "route")} of ${counts.capabilities} ${counts.capabilities === 1 ? "capability" : "capabilities"}`,
    ],
    ["peers", peersText(counts)],
    ["semrd", `version ${report.version}, process ${report.processId}`],
  ]);
  const ports = table(
    [
      { title: "INTERFACE", cell: (port) => port.interface },
      { title: "ROLE", cell: (port) => port.role },
      { title: "TENANT", optional: true, cell: (port) => port.tenant ?? "" },
      { title: "HOOK", cell: (port) => (port.hook === "none" ? { text: "none", colour: "red" } : port.hook) },
      {
        title: "LINK",
        optional: true,
        cell: (port) => (port.operStatus === "down" ? { text: "down", colour: "red" } : ""),
      },
      { title: "EDGE", optional: true, cell: (port) => port.edge?.join(", ") ?? "" },
      { title: "", optional: true, cell: (port) => (port.adopted ? "adopted" : "") },
      { title: "", optional: true, shrinkTo: 20, cell: (port) => port.reason ?? "" },
    ],
    dataplane.ports,
    style,
  );
  const out = report.liveness.out.map(
    ({ agent, capability, means, reason }) =>
      `${agent} is out for ${capability} (${MEANS[means] ?? "?"})${reason === undefined ? "" : `: ${reason}`}.`,
  );
  const more = report.liveness.instances.out - out.length;
  const others = more > 0 ? [`${count(more, "more instance")} out: semrctl show agents.`] : [];
  const sentences = [...report.warnings, ...out, ...others, ...dataplane.limits.map((limit) => `data plane: ${limit}`)];
  const warnings = sentences.map((text) => `${paint("yellow", "!")} ${printable(text)}\n`).join("");
  return [head + facts, ports, warnings].filter((part) => part !== "").join("\n");
}

/** Whoever knocks without being a neighbour is said only where somebody did. */
function peersText({ peers, peersEstablished, strangersRefused = 0 }: StatusReport["counts"]): string {
  const text = `${peersEstablished} of ${peers} established`;
  return strangersRefused === 0 ? text : `${text}, ${strangersRefused} connections of strangers refused`;
}
