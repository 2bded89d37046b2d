import type { UnicastRouteRow } from "../../management/index.ts";
import { below, between, type TableStyle, table } from "../table.ts";
import { printable } from "../terminal.ts";
import { age, pairs } from "./format.ts";

const LEGEND = "* best, passed on   s stale";

function rpkiCell({ rpki = "" }: UnicastRouteRow) {
  if (rpki === "valid") return { text: rpki, colour: "green" } as const;
  return rpki === "invalid" ? ({ text: rpki, colour: "red" } as const) : rpki;
}

const mark = ({ status, stale }: UnicastRouteRow): string => `${status === "best" ? "*" : " "}${stale ? "s" : ""}`;

const number = (value: number | undefined): string => (value === undefined ? "" : String(value));

export function unicastRoutesView(rows: readonly UnicastRouteRow[], style: TableStyle): string {
  const text = table(
    [
      { title: "", cell: (row) => ({ text: mark(row), colour: "green" }) },
      { title: "PREFIX", cell: (row) => row.prefix },
      { title: "NEXT HOP", cell: (row) => row.nextHop },
      { title: "FROM", cell: (row) => row.peer },
      { title: "PREF", align: "right", cell: (row) => number(row.localPref) },
      { title: "MED", align: "right", cell: (row) => number(row.multiExitDisc) },
      { title: "AS PATH", shrinkTo: 8, cell: (row) => row.asPath },
      { title: "RPKI", optional: true, cell: rpkiCell },
      { title: "ORIGIN", optional: true, cell: (row) => row.origin },
      { title: "NOT BEST BY", optional: true, cell: (row) => row.step ?? "" },
      { title: "AGE", align: "right", cell: (row) => age(row.ageSeconds) },
    ],
    rows,
    style,
  );
  return text === "" ? "" : text + below(style, `${style.paint("dim", LEGEND)}\n`);
}

/** Everything that is known of each path. */
export function unicastRouteDetailsView(rows: readonly UnicastRouteRow[], style: TableStyle): string {
  return between(style, "\n") + rows.map((row) => details(row, style)).join("\n");
}

function details(row: UnicastRouteRow, { paint }: TableStyle): string {
  const facts: [string, string | undefined][] = [
    ["next hop", row.nextHop],
    [
      "learnt from",
      `${row.peer}${row.pathId === undefined ? "" : `, path ${row.pathId}`}, ${age(row.ageSeconds)} ago${row.stale ? ", stale since its session went down" : ""}`,
    ],
    ["best path", row.step === undefined ? "yes, passed on" : `no: lost by ${row.step}`],
    ["origin", row.origin],
    ["RPKI state", row.rpki],
    ["local preference", row.localPref?.toString()],
    ["MED", row.multiExitDisc?.toString()],
    ["AS path", row.asPath],
    ["communities", row.communities.join(" ")],
  ];
  const said = facts.filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "");
  const head = `${mark(row)} ${row.prefix}`;
  return `${paint("bold", printable(head))}\n${pairs(said.map(([label, text]) => [label, printable(text)]))}`;
}
