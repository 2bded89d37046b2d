import type { MrtJobRow } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";

export function mrtView(rows: readonly MrtJobRow[], style: TableStyle): string {
  return table(
    [
      { title: "JOB", cell: (row) => row.name },
      { title: "WRITES", cell: (row) => row.kind },
      {
        title: "STATE",
        shrinkTo: 16,
        cell: ({ lastFailure, writing }) => {
          if (lastFailure !== undefined) return { text: `failed: ${lastFailure}`, colour: "red" };
          return writing === undefined ? "waiting" : { text: "writing", colour: "green" };
        },
      },
      { title: "FILES", align: "right", cell: (row) => row.files },
      { title: "RECORDS", align: "right", cell: (row) => (row.kind === "table" ? "" : row.records) },
      { title: "OCTETS", align: "right", cell: (row) => row.octets },
      { title: "LOST", align: "right", cell: (row) => row.lost },
      { title: "LAST FILE", optional: true, shrinkTo: 20, cell: (row) => row.lastFile ?? "" },
    ],
    rows,
    style,
  );
}
