import type { PolicyRow } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";

export function policiesView(rows: readonly PolicyRow[], style: TableStyle): string {
  return table(
    [
      { title: "POLICY", cell: (row) => row.policy },
      { title: "STATEMENT", cell: (row) => row.statement },
      { title: "IF", shrinkTo: 16, cell: (row) => row.conditions.join(", ") || "always" },
      { title: "THEN", shrinkTo: 16, cell: (row) => [...row.actions, row.result].join(", ") },
      { title: "SETS", align: "right", cell: (row) => row.sets },
      { title: "ROUTES", align: "right", cell: (row) => row.routes },
      { title: "USED BY", optional: true, shrinkTo: 12, cell: (row) => row.usedBy.join(", ") || "nobody" },
    ],
    rows,
    style,
  );
}
