import type { AgentRow, CapabilityRow } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import { age, endpoint, lease, state } from "./format.ts";

export function agentsView(rows: readonly AgentRow[], style: TableStyle): string {
  return table(
    [
      { title: "AGENT", shrinkTo: 16, cell: (row) => row.agent },
      { title: "TENANT", cell: (row) => row.tenant },
      { title: "CAPABILITY", shrinkTo: 12, cell: (row) => row.capability },
      { title: "VERSION", cell: (row) => row.version },
      { title: "ENDPOINT", cell: (row) => `${endpoint(row.address, row.port)}/${row.protocol}` },
      { title: "STATE", cell: (row) => state(row.state) },
      {
        title: "HEALTH",
        cell: (row) =>
          row.health === row.state ? age(row.healthAgeSeconds) : `${row.health} ${age(row.healthAgeSeconds)}`,
      },
      { title: "WEIGHT", align: "right", cell: (row) => String(row.weight) },
      { title: "LEASE", align: "right", cell: (row) => lease(row.leaseRemainingSeconds) },
      { title: "SOURCE", cell: (row) => row.source },
      { title: "AGE", align: "right", cell: (row) => age(row.ageSeconds) },
      { title: "LABELS", optional: true, shrinkTo: 6, cell: (row) => row.labels.join(",") },
      { title: "REASON", optional: true, shrinkTo: 12, cell: (row) => row.healthReason ?? "" },
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
      { title: "PORT", cell: (row) => `${row.servicePort}/${row.protocol}` },
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
