import type { ExplainCandidate, ExplainReport } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import { printable } from "../terminal.ts";
import { age, endpoint, lease, pairs, state } from "./format.ts";

const MARKS = {
  winner: { text: "*", colour: "green", verb: "won" },
  group: { text: "+", colour: "green", verb: "shares the load" },
  excluded: { text: "-", colour: "red", verb: "was not chosen" },
} as const;

/** Another router's semrd may judge in words that this one does not have. */
const markOf = ({ judgement }: ExplainCandidate) =>
  MARKS[judgement] ?? ({ text: "?", colour: "dim", verb: "was looked at" } as const);

const nameOf = (candidate: ExplainCandidate): string =>
  candidate.originName === undefined ? candidate.origin : `${candidate.originName} (${candidate.origin})`;

export function explainView(report: ExplainReport, style: TableStyle): string {
  const { paint } = style;
  const title = `${report.capability} version ${report.majorVersion}, tenant ${report.tenant}`;
  const winner = report.candidates.find(({ judgement }) => judgement === "winner");
  const head =
    `${paint("bold", printable(title))}\n` +
    pairs([
      ["address", report.address],
      ["name", report.dnsName],
      ["winner", winnerText(report, winner)],
      ...(report.resolver === undefined ? [] : ([["resolved by", resolverText(report.resolver)]] as const)),
      ...(report.step === undefined ? [] : ([["chosen by", printable(report.step)]] as const)),
    ]);
  const parts = [head, candidates(report, style), whys(report, style), instances(report, style)];
  return parts.filter((part) => part !== "").join("\n");
}

function resolverText({ prefix, origin, originName }: NonNullable<ExplainReport["resolver"]>): string {
  return printable(`${originName === undefined ? origin : `${originName} (${origin})`}, for all names below ${prefix}`);
}

function winnerText(report: ExplainReport, winner: ExplainCandidate | undefined): string {
  if (winner !== undefined) return printable(nameOf(winner));
  if (!report.known) return "nobody: no taxonomy entry and no route has this name";
  return report.candidates.length === 0 ? "nobody: no site has announced it" : "nobody: no site is eligible";
}

function candidates(report: ExplainReport, style: TableStyle): string {
  return table(
    [
      { title: "", cell: markOf },
      { title: "SITE", shrinkTo: 10, cell: nameOf },
      { title: "NEXT HOP", cell: (one) => (one.local ? "this router" : one.nextHop) },
      { title: "FROM", cell: (one) => one.peer },
      { title: "STATE", cell: (one) => state(one.siteState ?? "") },
      { title: "PREF", align: "right", optional: true, cell: (one) => one.localPref?.toString() ?? "" },
      { title: "SCORE", align: "right", cell: (one) => one.score?.toString() ?? "" },
      { title: "WEIGHT", align: "right", cell: (one) => String(one.weight) },
      { title: "LEASE", align: "right", cell: (one) => lease(one.leaseRemainingSeconds) },
      { title: "AGE", align: "right", cell: (one) => `${age(one.ageSeconds)}${one.stale ? ", stale" : ""}` },
      { title: "DECIDED BY", cell: (one) => one.step },
    ],
    report.candidates,
    style,
  );
}

function whys(report: ExplainReport, { paint }: TableStyle): string {
  const lines = report.candidates.map((one) => {
    const { colour, text, verb } = markOf(one);
    return `  ${paint(colour, text)} ${printable(`${nameOf(one)} ${verb}: ${one.reason}`)}\n`;
  });
  return lines.length === 0 ? "" : `${paint("bold", "Why")}\n${lines.join("")}`;
}

function instances(report: ExplainReport, style: TableStyle): string {
  const rows = table(
    [
      { title: "AGENT", shrinkTo: 14, cut: "start", cell: (one) => one.agent },
      { title: "ENDPOINT", cell: (one) => endpoint(one.address, one.port) },
      { title: "STATE", cell: (one) => state(one.state) },
      { title: "WEIGHT", align: "right", cell: (one) => String(one.weight) },
      { title: "REASON", optional: true, cell: (one) => one.reason ?? "" },
    ],
    report.instances,
    style,
  );
  return rows === "" ? "" : `${style.paint("bold", "Instances behind this router")}\n${rows}`;
}
