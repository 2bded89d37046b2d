import type { BmpStationRow } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import { age } from "./format.ts";

const COLOURS = { up: "green", telling: "yellow", connecting: "yellow", listening: "yellow", down: "red" } as const;

export function bmpView(rows: readonly BmpStationRow[], style: TableStyle): string {
  return table(
    [
      { title: "STATION", cell: (row) => row.name },
      { title: "ADDRESS", cell: ({ address, port }) => `${address.includes(":") ? `[${address}]` : address}:${port}` },
      { title: "STATE", cell: ({ state }) => ({ text: state, colour: COLOURS[state] }) },
      {
        title: "SINCE",
        align: "right",
        cell: ({ connectedSecondsAgo: ago, state }) =>
          ago === undefined || state === "down" || state === "listening" ? "" : age(ago),
      },
      { title: "TABLES", cell: (row) => row.tables.join(", ") },
      { title: "PEERS", align: "right", cell: (row) => String(row.peers) },
      { title: "MESSAGES", align: "right", cell: (row) => row.messages },
      { title: "OCTETS", align: "right", cell: (row) => row.octets },
      { title: "QUEUED", align: "right", cell: (row) => row.queued },
      { title: "RESYNCS", align: "right", cell: (row) => row.resyncs },
      { title: "FAILURES", align: "right", cell: (row) => row.failures },
      { title: "LAST ERROR", optional: true, shrinkTo: 16, cell: (row) => row.lastError ?? "" },
    ],
    rows,
    style,
  );
}
