import type { RouteRow } from "../../management/index.ts";
import { below, between, type TableStyle, table } from "../table.ts";
import { printable } from "../terminal.ts";
import { age, lease, pairs, state } from "./format.ts";

const MARKS = { best: "*", group: "+", excluded: "-" } as const;

const LEGEND = "* best   + shares the load   - not eligible   s stale";

const mark = (row: RouteRow): string => `${MARKS[row.status] ?? "?"}${row.stale ? "s" : ""}`;

export function routesView(rows: readonly RouteRow[], style: TableStyle): string {
  const onlySites = rows.every(({ type }) => type === "site");
  const text = table(
    [
      {
        title: "",
        cell: (row) =>
          row.status === "excluded" ? { text: mark(row), colour: "red" } : { text: mark(row), colour: "green" },
      },
      { title: "TYPE", optional: true, cell: (row) => (onlySites ? "" : row.type) },
      { title: "CAPABILITY", shrinkTo: 12, cell: (row) => row.capability },
      { title: "TENANT", cell: (row) => row.tenant },
      { title: "ORIGIN", cell: (row) => row.origin },
      { title: "NEXT HOP", cell: (row) => (row.local ? "this router" : row.nextHop) },
      { title: "FROM", cell: (row) => row.peer },
      { title: "STATE", cell: (row) => state(row.siteState ?? "") },
      { title: "SCORE", align: "right", cell: (row) => (row.score === undefined ? "" : String(row.score)) },
      { title: "WEIGHT", align: "right", cell: (row) => String(row.weight) },
      {
        title: "PREF",
        align: "right",
        optional: true,
        cell: (row) => (row.localPref === undefined ? "" : String(row.localPref)),
      },
      { title: "VERSION", optional: true, cell: (row) => row.version ?? "" },
      { title: "LEASE", align: "right", cell: (row) => lease(row.lease?.remainingSeconds) },
      { title: "AGE", align: "right", cell: (row) => age(row.ageSeconds) },
      { title: "AS PATH", optional: true, shrinkTo: 8, cell: (row) => row.asPath },
      { title: "LABELS", optional: true, shrinkTo: 6, cell: (row) => row.labels.join(",") },
    ],
    rows,
    style,
  );
  return text === "" ? "" : text + below(style, `${style.paint("dim", LEGEND)}\n`);
}

/** Everything that is known of each route. */
export function routeDetailsView(rows: readonly RouteRow[], style: TableStyle): string {
  return between(style, "\n") + rows.map((row) => routeDetails(row, style)).join("\n");
}

function routeDetails(row: RouteRow, { paint }: TableStyle): string {
  const facts: [string, string | undefined][] = [
    ["type", row.type],
    ["capability ID", row.capabilityId],
    ["instance ID", row.instanceId],
    ["agent ID hash", row.agentId],
    ["next hop", row.local ? `this router (${row.nextHop})` : row.nextHop],
    [
      "learnt from",
      `${row.peer}${row.pathId === undefined ? "" : `, path ${row.pathId}`}, ${age(row.ageSeconds)} ago${row.stale ? ", stale since its session went down" : ""}`,
    ],
    ["decided by", row.step],
    ["state", row.siteState],
    ["score", row.score === undefined ? undefined : `${row.score} of 10`],
    ["weight", String(row.weight)],
    ["version", row.version],
    [
      "lease",
      row.lease === undefined
        ? undefined
        : `${row.lease.remainingSeconds > 0 ? `${age(row.lease.remainingSeconds)} left` : "expired"}, ` +
          `sequence ${row.lease.sequence}, renewed every ${age(row.lease.renewSeconds)}`,
    ],
    ["labels", row.labels.join(", ")],
    [
      "stands for",
      row.aggregate === undefined
        ? undefined
        : `${row.aggregate.count} instances, scores ${row.aggregate.minimum} to ${row.aggregate.maximum}, mean ${row.aggregate.mean}`,
    ],
    ["local preference", row.localPref?.toString()],
    ["MED", row.multiExitDisc?.toString()],
    ["AS path", row.asPath],
    ["originator", row.originatorId],
    ["cluster list", row.clusterList?.join(" ")],
    ["communities", row.communities.join(" ")],
  ];
  const said = facts.filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "");
  const head = `${mark(row)} ${row.capability}, tenant ${row.tenant}, from ${row.origin}`;
  return `${paint("bold", printable(head))}\n${pairs(said.map(([label, text]) => [label, printable(text)]))}`;
}
