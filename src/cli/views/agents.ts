import type { AgentRow, CapabilityRow } from "../../management/index.ts";
import { type Cell, type TableStyle, table } from "../table.ts";
import { age, endpoint, lease, state } from "./format.ts";

export function agentsView(rows: readonly AgentRow[], style: TableStyle): string {
  return table(
    [
      { title: "AGENT", shrinkTo: 14, cut: "start", cell: (row) => row.agent },
      { title: "TENANT", cell: (row) => row.tenant },
      { title: "CAPABILITY", shrinkTo: 12, cell: (row) => row.capability },
      { title: "VER", cell: (row) => row.version },
      {
        title: "ENDPOINT",
        cell: (row) => `${endpoint(row.address, row.port)}${row.protocol === "udp" ? "/udp" : ""}`,
      },
      { title: "STATE", cell: (row) => state(row.state) },
      { title: "SINCE", align: "right", cell: (row) => age(row.healthAgeSeconds) },
      { title: "WEIGHT", align: "right", cell: (row) => String(row.weight) },
      { title: "LEASE", align: "right", cell: leaseOrSource },
      { title: "AGE", align: "right", cell: (row) => age(row.ageSeconds) },
      { title: "LABELS", optional: true, shrinkTo: 6, cell: (row) => row.labels.join(",") },
      { title: "REASON", optional: true, shrinkTo: 18, cell: (row) => row.healthReason ?? "" },
    ],
    rows,
    style,
  );
}

export function capabilitiesView(rows: readonly CapabilityRow[], style: TableStyle): string {
  return table(
    [
      { title: "CAPABILITY", shrinkTo: 12, cell: (row) => row.capability },
      { title: "VERSION", align: "right", cell: (row) => String(row.majorVersion) },
      { title: "TENANT", cell: (row) => row.tenant },
      { title: "ADDRESS", cell: (row) => row.address },
      { title: "IPV4", optional: true, cell: (row) => row.ipv4Address ?? "" },
      { title: "PORT", cell: (row) => `${row.servicePort}/${row.protocol}` },
      { title: "AFFINITY", optional: true, cell: (row) => row.affinity ?? "" },
      { title: "SITES", align: "right", cell: (row) => share(row.sites, row.sitesKnown) },
      { title: "LOCAL", align: "right", cell: (row) => share(row.localInstances, row.localInstancesKnown) },
      { title: "BEST", cell: (row) => row.bestOrigin ?? { text: "nobody", colour: "red" } },
      { title: "DNS NAME", shrinkTo: 12, cell: (row) => row.dnsName },
    ],
    rows,
    style,
  );
}

function share(usable: number, known: number) {
  const text = `${usable}/${known}`;
  return usable < known ? ({ text, colour: usable === 0 ? "red" : "yellow" } as const) : text;
}

/** What has no lease stays until whoever brought it takes it away. */
function leaseOrSource(row: AgentRow): string | Cell {
  if (row.leaseRemainingSeconds !== undefined) return lease(row.leaseRemainingSeconds);
  return { registration: "none", configuration: "config", command: "command" }[row.source] ?? "?";
}
