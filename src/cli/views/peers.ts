import type { PeerRow } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import { age, state } from "./format.ts";

/** `Up 150ms`: the state with the time within which a failure is found. */
function bfdCell({ bfd }: PeerRow) {
  if (bfd === undefined) return "";
  if (bfd.pathFailed) return { text: `${bfd.state}, path failed`, colour: "red" } as const;
  // It was taken down on purpose at the other end: that says nothing about the path. @see RFC 5880 §6.8.16
  if (bfd.remoteState === "AdminDown") return { text: `${bfd.state}, AdminDown there`, colour: "yellow" } as const;
  if (bfd.state !== "Up") return { text: bfd.state, colour: "yellow" } as const;
  return `${bfd.state} ${bfd.detectionMs}ms`;
}

/** Without colours. */
export function bfdText(row: PeerRow): string {
  const cell = bfdCell(row);
  return typeof cell === "string" ? cell : cell.text;
}

/** Without colours. */
export function brownfieldText(row: PeerRow): string {
  const cell = brownfieldCell(row);
  return typeof cell === "string" ? cell : cell.text;
}

/** `4 learnt, payload lost 2`: routes that are capability routes, and what is not as it should be. */
function brownfieldCell({ brownfield }: PeerRow) {
  if (brownfield === undefined) return "";
  const { learnt, mismatched, lost, refused, returnedPoorer } = brownfield;
  const trouble = [
    ...(mismatched === 0 ? [] : [`${mismatched} of another capability`]),
    ...lost.map(({ attribute, routes }) => `${attribute} lost ${routes}`),
    ...refused.map(({ reason, routes }) => `${reason} ${routes}`),
    ...(returnedPoorer === 0 ? [] : [`own came back poorer ${returnedPoorer}`]),
  ];
  const text = [`${learnt} learnt`, ...trouble].join(", ");
  return trouble.length === 0 ? text : ({ text, colour: mismatched === 0 ? "yellow" : "red" } as const);
}

/** By the names of the configuration, with routes received and sent where there are several. */
function families({ families: agreed, perFamily }: PeerRow): string {
  if (perFamily.length === 0) return agreed.join(", ");
  const isOne = perFamily.length === 1;
  return perFamily
    .map(({ family, agreed: isAgreed, disabled, routesReceived, routesAdvertised }) => {
      if (disabled) return `${family} given up`;
      if (!isAgreed) return `(${family})`;
      return isOne ? family : `${family} ${routesReceived}/${routesAdvertised}`;
    })
    .join(", ");
}

function kind({ reflectorClient, localRole, kind: plain }: PeerRow): string {
  if (localRole !== undefined) return `${plain}, as ${localRole}`;
  return reflectorClient ? "client" : plain;
}

export function peersView(rows: readonly PeerRow[], style: TableStyle): string {
  return table(
    [
      { title: "PEER", cell: (row) => row.address },
      { title: "NAME", optional: true, shrinkTo: 8, cell: (row) => row.description ?? "" },
      { title: "AS", align: "right", cell: (row) => String(row.remoteAs) },
      { title: "KIND", cell: kind },
      {
        title: "STATE",
        cell: (row) =>
          row.gracefulRestart?.helping === true
            ? {
                text: `${row.state}, routes kept${row.gracefulRestart.lastResort ? " as last resort" : ""}`,
                colour: "yellow",
              }
            : row.enabled
              ? state(row.state)
              : { text: `${row.state}, shut down`, colour: "yellow" },
      },
      { title: "SINCE", align: "right", cell: (row) => age(row.stateAgeSeconds) },
      { title: "ROUTER ID", cell: (row) => row.routerId ?? "" },
      {
        title: "HOLD",
        align: "right",
        cell: (row) => (row.holdTimeSeconds === undefined ? "" : `${row.holdTimeSeconds}s`),
      },
      { title: "BFD", optional: true, cell: (row) => bfdCell(row) },
      { title: "BROWNFIELD", optional: true, cell: brownfieldCell },
      { title: "RECEIVED", align: "right", cell: (row) => String(row.routesReceived) },
      { title: "SENT", align: "right", cell: (row) => String(row.routesAdvertised) },
      { title: "PENDING", align: "right", cell: (row) => String(row.routesPending) },
      { title: "UPS", align: "right", cell: (row) => String(row.establishedTransitions) },
      { title: "FAMILIES", optional: true, cell: families },
      { title: "LAST ERROR", optional: true, shrinkTo: 16, cell: (row) => row.lastError ?? "" },
    ],
    rows,
    style,
  );
}
