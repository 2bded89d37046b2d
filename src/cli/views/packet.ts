import type { PacketChoice, PacketProbe, PacketReport } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import { type Colour, printable } from "../terminal.ts";
import { endpoint, pairs, state } from "./format.ts";

const VERDICT_COLOURS: Readonly<Record<PacketReport["action"], Colour>> = {
  pass: "yellow",
  forward: "green",
  reply: "yellow",
  drop: "red",
};

const FATES = {
  taken: { text: "*", colour: "green" },
  "not usable": { text: "-", colour: "red" },
  "not looked at": { text: " " },
} as const;

const AS = {
  remembered: "this flow is remembered there",
  previous: "former owner of the slot",
  backup: "backup of the group",
} as const;

export function packetView(report: PacketReport, style: TableStyle): string {
  const { paint } = style;
  const head = `${paint("bold", printable(titleOf(report)))}\n${pairs([
    ["arrives at", printable(arrival(report))],
    ["capability", printable(capability(report))],
    ...(report.policy === undefined ? [] : ([["policy", printable(policyText(report.policy))]] as const)),
    ["verdict", `${paint(VERDICT_COLOURS[report.action], report.verdict)}: ${report.text}`],
    ...(report.action === "forward" ? ([["flow", flow(report)]] as const) : []),
    ...(report.leaves === undefined ? [] : ([["leaves", printable(departure(report.leaves))]] as const)),
  ])}`;
  const parts = [
    head,
    group("Sites", report.sites, style),
    group("Instances behind this router", report.instances, style),
    group("Other sites, since nobody is here", report.elsewhere, style),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function policyText({ tenant, text }: NonNullable<PacketReport["policy"]>): string {
  const whose = tenant === undefined ? [] : [`of tenant ${tenant}`];
  return [...whose, ...(text === undefined ? [] : [text])].join("; ");
}

function titleOf(report: PacketReport): string {
  const { sourcePort, port, protocol, ipv4 } = report;
  const source = ipv4?.source ?? report.source;
  const destination = ipv4?.destination ?? report.destination;
  const from = sourcePort === undefined ? source : endpoint(source, sourcePort);
  const to = port === undefined ? destination : endpoint(destination, port);
  return `${from} → ${to}, ${protocol === "icmpv6" ? "ICMPv6 echo" : protocol.toUpperCase()}`;
}

function arrival({ interface: name, hook, portTenant }: PacketReport): string {
  return `${name} (${hook})${portTenant === undefined ? "" : `, a port of tenant ${portTenant}`}`;
}

function capability({ capability: name, tenant, known, aggregate }: PacketReport): string {
  const about = name === undefined ? "" : `${name}, tenant ${tenant}: `;
  if (aggregate !== undefined) return `${about}no entry here; sites that know others below ${aggregate} are asked`;
  if (name !== undefined) return `${name}, tenant ${tenant}${known ? "" : ", not in the forwarding table"}`;
  return known ? "one without a name here" : "none";
}

function flow({ newFlow, flowLabel }: PacketReport): string {
  const label = flowLabel === undefined ? "" : `, flow label 0x${flowLabel.toString(16).padStart(5, "0")}`;
  return `${newFlow ? "begins with this packet" : "no new one"}${label}`;
}

function departure({ to, length, interface: name, gateway, mtu }: NonNullable<PacketReport["leaves"]>): string {
  const way =
    name === undefined
      ? "; the kernel has no route there"
      : ` by ${name}${gateway ? ` via ${gateway}` : ""}, MTU ${mtu}`;
  return `to ${to}, ${length} octets${way}`;
}

function group(title: string, choice: PacketChoice | undefined, style: TableStyle): string {
  if (choice === undefined) return "";
  const { slot, inTransition, probes } = choice;
  const about = `slot ${slot}${inTransition ? ", in transition" : ""}`;
  const rows = table(
    [
      {
        title: "",
        cell: ({ fate }) => FATES[fate] ?? { text: "?" },
      },
      { title: "FOUND AS", cell: found },
      { title: "NAME", optional: true, shrinkTo: 14, cut: "start", cell: ({ name }) => name ?? "" },
      { title: "TOWARDS", cell: ({ towards }) => towards },
      { title: "STATE", cell: (one) => state(one.state) },
      { title: "", cell: ({ fate }) => fate },
    ],
    probes,
    style,
  );
  return `${style.paint("bold", `${title} (${about})`)}\n${rows === "" ? "  nobody\n" : rows}`;
}

function found(probe: PacketProbe): string {
  return probe.as === "slot" ? `owner of slot ${probe.slot}` : (AS[probe.as] ?? "?");
}
