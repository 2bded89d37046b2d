import type { FlowRecordRow } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import type { Colour } from "../terminal.ts";
import { age, endpoint } from "./format.ts";

const COLOURS: Readonly<Record<string, Colour>> = { active: "green", refused: "red", forgotten: "yellow" };

export function flowsView(rows: readonly FlowRecordRow[], style: TableStyle): string {
  return table(
    [
      { title: "BEGAN", cell: ({ began }) => began.slice(11, 23) },
      { title: "FOR", align: "right", cell: ({ began, until }) => age((Date.parse(until) - Date.parse(began)) / 1000) },
      { title: "STATE", cell: ({ state }) => ({ text: state, ...(COLOURS[state] && { colour: COLOURS[state] }) }) },
      { title: "CLIENT", cell: ({ client, clientPort }) => endpoint(client, clientPort) },
      { title: "CAPABILITY", cell: ({ capability, address, port }) => capability ?? endpoint(address, port) },
      { title: "TENANT", cell: ({ tenant }) => tenant ?? "" },
      { title: "TAG", align: "right", optional: true, cell: ({ tag }) => tag?.toString() ?? "" },
      { title: "SERVED BY", shrinkTo: 16, cut: "start", cell: servedBy },
      { title: "PACKETS", align: "right", cell: ({ packets }) => packets },
      { title: "OCTETS", align: "right", cell: ({ octets }) => octets },
      { title: "BACK", align: "right", cell: ({ packetsBack }) => packetsBack },
      { title: "OCTETS", align: "right", cell: ({ octetsBack }) => octetsBack },
    ],
    rows,
    style,
  );
}

function servedBy({ agent, site, state, verdict }: FlowRecordRow): string {
  if (agent !== undefined) return agent;
  if (site !== undefined) return `router ${site}`;
  return state === "refused" ? verdict : "";
}
