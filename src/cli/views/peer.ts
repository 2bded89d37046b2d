import type { NotificationRow, PeerCapabilityRow, PeerFamilyRow, PeerRow } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import { printable } from "../terminal.ts";
import { age, count, endpoint, pairs, state } from "./format.ts";
import { bfdText, brownfieldText } from "./peers.ts";

const WAITS_FOR: Readonly<Record<string, string>> = {
  operator: "shut down by configuration",
  "routes-limit": "had more routes than it may have",
  "back-off": "rests after what is its last error",
  neighbor: "waits to be connected to",
  connection: "tries to connect",
};

const AGREED = {
  fourOctetAs: "4-octet AS",
  routeRefresh: "route refresh",
  extendedMessages: "extended messages",
  extendedNextHop: "extended next hop",
  gracefulRestart: "graceful restart",
  longLivedGracefulRestart: "long-lived graceful restart",
  restartOverNotification: "restart over NOTIFICATIONs",
} as const;

const STALE: Readonly<Record<string, string>> = {
  restarting: "restarting",
  "last-resort": "last resort",
  "awaiting-end-of-rib": "until End-of-RIB",
};

/** Neighbours with everything that is known of each, one below the other. */
export function peerDetailsView(rows: readonly PeerRow[], style: TableStyle): string {
  return rows.map((row) => peerView(row, style)).join("\n");
}

function peerView(row: PeerRow, style: TableStyle): string {
  const { paint } = style;
  const { text, colour } = state(row.state);
  const names = [row.address, ...(row.description === undefined ? [] : [row.description])].join("  ");
  const now = colour === undefined ? text : paint(colour, text);
  const head = `${paint("bold", printable(names))}  ${now} for ${age(row.stateAgeSeconds)}\n`;
  const lines = [...identity(row), ...agreement(row), ...counts(row), ...endings(row)];
  const said = lines.filter((line): line is readonly [string, string] => line[1] !== undefined && line[1] !== "");
  return `${head}${pairs(said.map(([label, what]) => [label, printable(what)]))}\n${familyTable(row.perFamily, style)}${capabilityTable(row.capabilities ?? [], style)}`;
}

type Line = readonly [label: string, text: string | undefined];

function identity(row: PeerRow): readonly Line[] {
  const kind = [
    `${row.remoteAs}, ${row.kind}`,
    ...(row.reflectorClient ? [row.meshed ? "client, meshed with others" : "client"] : []),
    ...(row.localRole === undefined ? [] : [`this router is its ${row.localRole}`]),
  ];
  const from = row.range === undefined ? row.group && `group ${row.group}` : `came from range ${row.range}`;
  return [
    ["waits", row.waitsFor && (WAITS_FOR[row.waitsFor] ?? row.waitsFor)],
    ["AS", kind.join(", ")],
    ["settings", from],
    ["router ID", row.routerId],
    ["cluster ID", row.clusterId],
    [
      "connection",
      row.local &&
        row.remote &&
        `${endpoint(row.local.address, row.local.port)} to ${endpoint(row.remote.address, row.remote.port)}`,
    ],
    ["protection", protection(row)],
  ];
}

function protection({ protection: signed, ttlSecurityHops: hops }: PeerRow): string {
  const parts = [
    ...(signed === undefined ? [] : [signed === "tcp-ao" ? "TCP-AO" : "TCP MD5"]),
    ...(hops === undefined ? [] : [`at most ${count(hops, "hop")} away`]),
  ];
  return parts.join(", ") || "none";
}

function agreement(row: PeerRow): readonly Line[] {
  const { negotiated, holdTimeSeconds: hold, keepaliveSeconds: keepalive, sendHoldSeconds: sendHold } = row;
  const times = [
    ...(hold === undefined ? [] : [`hold ${hold}s`]),
    ...(keepalive === undefined ? [] : [`keepalive ${keepalive}s`]),
    ...(sendHold === undefined ? [] : [`send hold ${sendHold}s`]),
  ];
  const agreed: string[] = Object.entries(AGREED).flatMap(([name, text]) =>
    negotiated?.[name as keyof typeof AGREED] === true ? [text] : [],
  );
  if (row.enhancedRouteRefresh) agreed.push("enhanced route refresh");
  const unknown = negotiated?.unknownCapabilities ?? [];
  const restart = row.gracefulRestart;
  return [
    ["times", times.join(", ")],
    [
      "timers",
      Object.entries(row.timersSeconds)
        .map(([name, left]) => `${name} ${left}s left`)
        .join(", "),
    ],
    ["agreed", agreed.join(", ")],
    ["offered, unknown here", unknown.join(", ")],
    ["its restart", restart && restartText(restart)],
    ...bfdLines(row),
    ["brownfield", brownfieldText(row)],
  ];
}

function counts(row: PeerRow): readonly Line[] {
  const both = (received: string | undefined, sent: string | undefined): string | undefined =>
    received === undefined || sent === undefined ? undefined : `${received} received, ${sent} sent`;
  const byReason = (rows: PeerRow["routesRefused"]): string | undefined =>
    rows?.map(({ reason, routes }) => `${reason} ${routes}`).join(", ");
  const faults = [
    ...(row.treatedAsWithdraw === undefined || row.treatedAsWithdraw === "0"
      ? []
      : [`${row.treatedAsWithdraw} treated as withdrawn`]),
    ...(row.attributesDiscarded === undefined || row.attributesDiscarded === "0"
      ? []
      : [`${count(Number(row.attributesDiscarded), "attribute")} left out`]),
  ];
  return [
    ["messages", both(row.messagesReceived, row.messagesSent)],
    ["OPENs", both(row.opensReceived, row.opensSent)],
    ["UPDATEs", both(row.updatesReceived, row.updatesSent)],
    ["KEEPALIVEs", both(row.keepalivesReceived, row.keepalivesSent)],
    ["ROUTE-REFRESHes", both(row.refreshesReceived, row.refreshesSent)],
    ["NOTIFICATIONs", both(row.notificationsReceived, row.notificationsSent)],
    [
      "sessions",
      `${row.establishedTransitions} up, ${row.flaps} ended, ${count(row.failuresInARow, "failure")} in a row, ` +
        `${count(row.refusedConnections, "connection")} refused`,
    ],
    ["malformed", faults.join(", ")],
    ["routes refused", byReason(row.routesRefused)],
    ["routes withheld", byReason(row.routesWithheld)],
  ];
}

function endings({ lastNotification, lastError }: PeerRow): readonly Line[] {
  const said = (row: NotificationRow | undefined): string | undefined =>
    row && `${row.text} (${row.code}/${row.subcode}), ${age(row.ageSeconds)} ago`;
  return [
    ["last sent", said(lastNotification?.sent)],
    ["last received", said(lastNotification?.received)],
    ["last error", lastError],
  ];
}

function familyTable(rows: readonly PeerFamilyRow[], style: TableStyle): string {
  return table<PeerFamilyRow>(
    [
      { title: "  FAMILY", cell: ({ family }) => `  ${family}` },
      {
        title: "STATE",
        cell: ({ agreed, disabled }) =>
          disabled ? { text: "given up", colour: "red" } : agreed ? "agreed" : { text: "not agreed", colour: "yellow" },
      },
      { title: "RECEIVED", align: "right", cell: (row) => String(row.routesReceived) },
      {
        title: "AT MOST",
        align: "right",
        optional: true,
        cell: ({ maximumRoutes, warnAt, routesReceived }) => {
          if (maximumRoutes === undefined) return "";
          const isNear = warnAt !== undefined && routesReceived >= warnAt;
          return isNear ? { text: String(maximumRoutes), colour: "yellow" } : String(maximumRoutes);
        },
      },
      { title: "KEPT", align: "right", optional: true, cell: ({ routesKept }) => routesKept?.toString() ?? "" },
      { title: "SENT", align: "right", cell: (row) => String(row.routesAdvertised) },
      { title: "PENDING", align: "right", cell: (row) => String(row.routesPending) },
      { title: "ADD-PATH", optional: true, cell: ({ addPath }) => addPath ?? "" },
      { title: "END-OF-RIB", optional: true, cell: endOfRib },
      { title: "ITS RESTART", optional: true, cell: restart },
      {
        title: "STALE",
        optional: true,
        cell: stale,
      },
    ],
    rows,
    style,
  );
}

/** What both OPENs offered, side by side. */
function capabilityTable(rows: readonly PeerCapabilityRow[], style: TableStyle): string {
  if (rows.length === 0) return "";
  const said = (values: readonly string[]): string =>
    values.length === 0 ? "-" : printable(values.map((value) => value || "yes").join(", "));
  return `\n${table<PeerCapabilityRow>(
    [
      { title: "  CODE", align: "right", cell: ({ code }) => String(code) },
      { title: "CAPABILITY", cell: ({ name }) => name },
      { title: "OURS", cell: ({ sent }) => said(sent) },
      { title: "THEIRS", cell: ({ received }) => said(received) },
      { title: "IN USE", cell: ({ agreed }) => (agreed === undefined ? "" : agreed ? "yes" : "no") },
    ],
    rows,
    style,
  )}`;
}

function endOfRib({ endOfRib: said }: PeerFamilyRow): string {
  if (said === undefined) return "";
  if (said.sent && said.received) return "both";
  return said.sent ? "sent" : said.received ? "received" : "none";
}

function bfdLines(row: PeerRow): readonly Line[] {
  const { bfd } = row;
  if (bfd === undefined) return [];
  const state = [
    bfdText(row),
    ...(bfd.transmitMs === undefined ? [] : [`a packet each ${bfd.transmitMs}ms`]),
    bfd.packetsReceived === "0" ? "nothing heard" : `${bfd.remoteState} there`,
    bfd.multihop ? "multihop" : "single hop",
  ];
  const ends = [
    count(bfd.downs, "time"),
    ...(bfd.failures === 0 ? [] : [`path failed ${count(bfd.failures, "time")}`]),
    ...(bfd.failedAt === undefined ? [] : [`last at ${bfd.failedAt}`]),
    ...(bfd.diagnostic === undefined ? [] : [bfd.diagnostic]),
  ];
  const { packetsSent, packetsReceived, packetsDiscarded, packetsLate } = bfd;
  const late = packetsLate === "0" ? [] : [`${packetsLate} late by up to ${bfd.latestMs}ms`];
  return [
    ["BFD", state.join(", ")],
    ["BFD went down", ends.join(", ")],
    [
      "BFD packets",
      [`${packetsReceived} received`, `${packetsSent} sent`, `${packetsDiscarded} discarded`, ...late].join(", "),
    ],
  ];
}

function restartText({ restartTimeSeconds: time, helping, lastResort }: NonNullable<PeerRow["gracefulRestart"]>) {
  const kept = helping ? [`routes kept${lastResort ? " as last resort" : ""}`] : [];
  return [...(time === undefined ? [] : [`within ${time}s`]), ...kept].join(", ");
}

/** `restarting, 8s left`: why routes of it are stale, and until when. */
function stale({ kept, keptYetSeconds: left }: PeerFamilyRow) {
  if (kept === undefined) return "";
  const text = STALE[kept] ?? kept;
  return { text: left === undefined ? text : `${text}, ${age(left)} left`, colour: "yellow" } as const;
}

/** `forwards, 600s longer`: what the neighbour says of its own restart. */
function restart({ peerRestart }: PeerFamilyRow): string {
  if (peerRestart === undefined) return "";
  const { forwardingPreserved, longLivedStaleTimeSeconds: longer } = peerRestart;
  return [
    forwardingPreserved ? "forwards on" : "forwards not",
    ...(longer === undefined ? [] : [`${longer}s longer`]),
  ].join(", ");
}
