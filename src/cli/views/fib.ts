import type { FibNextHop, FibRow } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import { state } from "./format.ts";

/** One line for each next hop, so that shares can be compared; an address without any has a line of its own. */
interface FibLine {
  readonly row: FibRow;
  readonly first: boolean;
  readonly hop?: FibNextHop;
}

export function fibView(rows: readonly FibRow[], style: TableStyle): string {
  const lines = rows.flatMap((row): FibLine[] =>
    row.nextHops.length === 0 ? [{ row, first: true }] : row.nextHops.map((hop, i) => ({ row, first: i === 0, hop })),
  );
  return table(
    [
      { title: "ADDRESS", cell: ({ row, first }) => (first ? row.address : "") },
      { title: "CAPABILITY", shrinkTo: 12, cell: ({ row, first }) => (first ? (row.capability ?? "(unknown)") : "") },
      { title: "TENANT", cell: ({ row, first }) => (first ? (row.tenant ?? "") : "") },
      {
        title: "GROUP",
        align: "right",
        cell: ({ row, first }) => (first ? `${row.group || "-"}/${row.localGroup || "-"}` : ""),
      },
      { title: "TOWARDS", cell: ({ hop }) => (hop === undefined ? { text: "nobody", colour: "red" } : hop.towards) },
      { title: "KIND", cell: ({ hop }) => hop?.kind ?? "" },
      { title: "STATE", cell: ({ hop }) => state(hop?.state ?? "") },
      { title: "SLOTS", align: "right", cell: ({ hop }) => slots(hop) },
      { title: "", optional: true, cell: ({ hop }) => notes(hop) },
    ],
    lines,
    style,
  );
}

function slots(hop: FibNextHop | undefined): string {
  if (hop === undefined) return "";
  return `${hop.slots}/${hop.slotCount}`;
}

function notes(hop: FibNextHop | undefined): string {
  if (hop === undefined) return "";
  const moving = hop.slotsInTransition > 0 ? [`${hop.slotsInTransition} moving to it`] : [];
  const { encapsulation } = hop;
  return [
    ...(encapsulation === undefined ? [] : [encapsulation]),
    ...(hop.backup ? ["backup"] : []),
    ...(hop.localOnly ? ["local group"] : []),
    ...moving,
  ].join(", ");
}
