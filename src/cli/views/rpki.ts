import type { RpkiCacheRow, VrpRow } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import { age } from "./format.ts";

export function rpkiView(rows: readonly RpkiCacheRow[], style: TableStyle): string {
  return table(
    [
      { title: "CACHE", cell: (row) => row.name },
      {
        title: "ADDRESS",
        cell: ({ address, port }) => (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`),
      },
      { title: "PREF", align: "right", cell: (row) => String(row.preference) },
      {
        title: "STATE",
        cell: ({ state, counts }) => ({
          text: counts ? `${state}, counts` : state,
          colour: state === "down" ? "red" : counts ? "green" : "yellow",
        }),
      },
      { title: "VERSION", align: "right", optional: true, cell: (row) => String(row.version) },
      { title: "SESSION", align: "right", optional: true, cell: ({ sessionId }) => sessionId?.toString() ?? "" },
      { title: "SERIAL", align: "right", cell: ({ serial }) => serial?.toString() ?? "" },
      { title: "VRPS", align: "right", cell: (row) => row.vrps },
      {
        title: "UPDATED",
        align: "right",
        cell: ({ updatedSecondsAgo: ago }) => (ago === undefined ? "never" : age(ago)),
      },
      { title: "EXPIRES AFTER", align: "right", optional: true, cell: (row) => `${row.expireSeconds}s` },
      { title: "FAILURES", align: "right", cell: (row) => row.failures },
      { title: "LAST ERROR", optional: true, shrinkTo: 16, cell: (row) => row.lastError ?? "" },
    ],
    rows,
    style,
  );
}

export function vrpsView(rows: readonly VrpRow[], style: TableStyle): string {
  return table(
    [
      { title: "PREFIX", cell: (row) => row.prefix },
      { title: "MAX", align: "right", cell: (row) => String(row.maxLength) },
      { title: "AS", align: "right", cell: (row) => String(row.autonomousSystem) },
    ],
    rows,
    style,
  );
}
