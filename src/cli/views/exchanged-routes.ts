import type { ExchangedRouteRow } from "../../management/index.ts";
import { between, type TableStyle, table } from "../table.ts";
import { printable } from "../terminal.ts";
import { age, pairs } from "./format.ts";

const COLOURS = { refused: "red", "not-told": "red", changed: "yellow", pending: "yellow" } as const;

const number = (value: number | undefined): string => (value === undefined ? "" : String(value));

function outcomeCell({ outcome }: ExchangedRouteRow) {
  const colour = COLOURS[outcome as keyof typeof COLOURS];
  return colour === undefined ? outcome : ({ text: outcome, colour } as const);
}

/** Routes that one neighbour said, or was told. */
export function exchangedRoutesView(rows: readonly ExchangedRouteRow[], style: TableStyle): string {
  return table(
    [
      { title: "ROUTE", cell: (row) => row.route },
      { title: "TENANT", optional: true, cell: (row) => row.tenant ?? "" },
      { title: "ORIGINATOR", optional: true, cell: (row) => row.originId ?? "" },
      { title: "PATH", optional: true, align: "right", cell: (row) => number(row.pathId) },
      { title: "OUTCOME", cell: outcomeCell },
      { title: "WHY", optional: true, cell: (row) => row.reason ?? "" },
      { title: "FROM", optional: true, cell: (row) => row.from ?? "" },
      { title: "NEXT HOP", cell: (row) => row.nextHop },
      { title: "PREF", align: "right", optional: true, cell: (row) => number(row.localPref) },
      { title: "MED", align: "right", optional: true, cell: (row) => number(row.multiExitDisc) },
      { title: "SCORE", align: "right", optional: true, cell: (row) => number(row.score) },
      { title: "AS PATH", optional: true, shrinkTo: 8, cell: (row) => row.asPath },
      {
        title: "AGE",
        align: "right",
        optional: true,
        cell: (row) => (row.ageSeconds === undefined ? "" : age(row.ageSeconds)),
      },
    ],
    rows,
    style,
  );
}

/** With the communities of each. */
export function exchangedRouteDetailsView(rows: readonly ExchangedRouteRow[], style: TableStyle): string {
  const { paint } = style;
  const details = rows
    .map((row) => {
      const facts: [string, string | undefined][] = [
        ["tenant", row.tenant],
        ["originator", row.originId],
        ["path", row.pathId?.toString()],
        ["outcome", row.reason === undefined ? row.outcome : `${row.outcome}: ${row.reason}`],
        ["from", row.from],
        ["next hop", row.nextHop],
        ["link-local", row.linkLocal],
        ["origin", row.origin],
        ["local preference", row.localPref?.toString()],
        ["MED", row.multiExitDisc?.toString()],
        ["score", row.score?.toString()],
        ["AS path", row.asPath],
        ["communities", row.communities.join(" ")],
      ];
      const said = facts.filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "");
      return `${paint("bold", printable(row.route))}\n${pairs(said.map(([label, text]) => [label, printable(text)]))}`;
    })
    .join("\n");
  return between(style, "\n") + details;
}
