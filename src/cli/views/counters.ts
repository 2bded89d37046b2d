import type { CountersReport, NextHopCounterRow } from "../../management/index.ts";
import { type Column, type TableStyle, table } from "../table.ts";

type InstanceCounters = CountersReport["instances"][number];

/** @param all also verdicts that never happened */
export function countersView(report: CountersReport, options: { readonly all: boolean }, style: TableStyle): string {
  const { paint } = style;
  const verdicts = options.all ? report.verdicts : report.verdicts.filter(({ packets }) => packets !== "0");
  const hidden = report.verdicts.length - verdicts.length;
  const sections = [
    section(
      "Verdicts",
      table(
        [
          { title: "VERDICT", cell: (row) => row.verdict },
          { title: "PACKETS", align: "right", cell: (row) => row.packets },
        ],
        verdicts,
        style,
      ) + (hidden > 0 ? `${paint("dim", `${hidden} more at 0; --all shows them`)}\n` : ""),
    ),
    section(
      "Sites",
      table(
        [{ title: "SITE", shrinkTo: 12, cell: (row: NextHopCounterRow) => row.name }, ...flowColumns(report.sites)],
        report.sites,
        style,
      ),
    ),
    section(
      "Instances behind this router",
      table(
        [
          { title: "INSTANCE", shrinkTo: 14, cut: "start", cell: (row: InstanceCounters) => row.name },
          { title: "TENANT", cell: (row) => row.tenant },
          { title: "CAPABILITY", shrinkTo: 12, cell: (row) => row.capability },
          { title: "WEIGHT", align: "right", cell: (row) => String(row.weight) },
          ...flowColumns(report.instances),
        ],
        report.instances,
        style,
      ),
    ),
  ];
  if (report.tenants.length > 0) sections.push(section("Clients by tenant", tenantsTable(report, style)));
  if (report.capabilities.length > 0) sections.push(section("Clients by capability", capabilitiesTable(report, style)));
  if (report.tags.length > 0) sections.push(section("Delivered by tag", tagsTable(report, style)));
  function section(title: string, text: string): string {
    return `${paint("bold", title)}\n${text === "" ? "none\n" : text}`;
  }
  return sections.join("\n");
}

function tenantsTable({ tenants }: CountersReport, style: TableStyle): string {
  type Row = CountersReport["tenants"][number];
  return table<Row>(
    [
      { title: "TENANT", cell: (row) => row.tenant },
      { title: "PACKETS", align: "right", cell: (row) => row.packets },
      { title: "OCTETS", align: "right", cell: (row) => row.octets },
      { title: "DENIED", align: "right", cell: (row) => row.denied },
      { title: "LIMITED", align: "right", cell: (row) => row.limited },
      { title: "SPOOFED", align: "right", cell: (row) => row.spoofed },
    ],
    tenants,
    style,
  );
}

function capabilitiesTable({ capabilities }: CountersReport, style: TableStyle): string {
  return table(
    [
      { title: "CAPABILITY", shrinkTo: 12, cell: (row) => row.capability },
      { title: "VERSION", align: "right", cell: (row) => String(row.version) },
      { title: "TENANT", cell: (row) => row.tenant },
      { title: "PACKETS", align: "right", cell: (row) => row.packets ?? "" },
      { title: "OCTETS", align: "right", cell: (row) => row.octets ?? "" },
      { title: "LIMITED", align: "right", cell: (row) => row.limited ?? "" },
    ],
    capabilities,
    style,
  );
}

function tagsTable({ tags }: CountersReport, style: TableStyle): string {
  return table(
    [
      { title: "TAG", align: "right", cell: (row) => String(row.tag) },
      { title: "PACKETS", align: "right", cell: (row) => row.packets },
      { title: "OCTETS", align: "right", cell: (row) => row.octets },
    ],
    tags,
    style,
  );
}

function flowColumns<Row extends NextHopCounterRow>(rows: readonly Row[]): Column<Row>[] {
  const total = rows.reduce((sum, { flows }) => sum + BigInt(flows), 0n);
  return [
    { title: "TOWARDS", cell: (row) => row.towards },
    { title: "FLOWS", align: "right", cell: (row) => row.flows },
    { title: "SHARE", align: "right", cell: (row) => share(BigInt(row.flows), total) },
    { title: "PACKETS", align: "right", cell: (row) => row.packets },
    { title: "OCTETS", align: "right", cell: (row) => row.octets },
  ];
}

/** Share of all flows in percent with one digit. */
function share(part: bigint, total: bigint): string {
  if (total === 0n) return "";
  const perMille = (part * 1000n + total / 2n) / total;
  return `${perMille / 10n}.${perMille % 10n}%`;
}
