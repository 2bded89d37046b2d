import type { Change, CommitEntry, Consequence, DatastoreInfo, PendingCommit } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import { printable } from "../terminal.ts";

export interface CommitReport {
  /** Absent where nothing differed. */
  readonly commit?: number;
  readonly changes?: number;
  readonly consequences: readonly Consequence[];
}

export interface ConfigurationStatus {
  readonly datastores: readonly DatastoreInfo[];
  readonly pending?: PendingCommit;
}

const json = (value: unknown): string => (value === undefined ? "" : printable(JSON.stringify(value)));

/** One line a difference: `+` what comes, `-` what goes, `~` what changes, `>` what moves. */
export function changesView(changes: readonly Change[], { paint }: TableStyle): string {
  if (changes.length === 0) return "no differences\n";
  const lines = changes.map(({ operation, path, value, was }) => {
    const where = printable(path);
    switch (operation) {
      case "create":
        return paint("green", `+ ${where} ${json(value)}`);
      case "delete":
        return paint("red", `- ${where} ${json(was)}`);
      case "replace":
        return paint("yellow", `~ ${where} ${json(was)} -> ${json(value)}`);
      default:
        return `> ${where}`;
    }
  });
  return `${lines.join("\n")}\n`;
}

export function consequencesView(consequences: readonly Consequence[], { paint }: TableStyle): string {
  return consequences
    .map(({ when, path, message }) => paint("yellow", `  ${when}: ${printable(path)}: ${printable(message)}\n`))
    .join("");
}

export function commitView(
  { commit, changes = 0, consequences }: CommitReport,
  style: TableStyle,
  confirmWithin?: number,
): string {
  const number = changes === 1 ? "1 change" : `${changes} changes`;
  const done = commit === undefined ? "nothing to change\n" : `commit ${commit}: ${number}\n`;
  const waits =
    confirmWithin === undefined || commit === undefined
      ? ""
      : `undone in ${confirmWithin} s unless confirmed: semrctl config commit\n`;
  return done + consequencesView(consequences, style) + waits;
}

export function logView(entries: readonly CommitEntry[], style: TableStyle): string {
  return table(
    [
      { title: "COMMIT", align: "right", cell: (entry) => String(entry.id) },
      { title: "TIME", cell: (entry) => new Date(entry.time).toISOString().slice(0, 19).replace("T", " ") },
      { title: "USER", shrinkTo: 8, cell: (entry) => entry.user },
      { title: "BY", cell: (entry) => `${entry.protocol} ${entry.cause}` },
      { title: "CHANGES", align: "right", cell: (entry) => String(entry.changeCount) },
      { title: "COMMENT", optional: true, shrinkTo: 16, cell: (entry) => entry.comment ?? "" },
    ],
    entries,
    style,
  );
}

export function configurationStatusView({ datastores, pending }: ConfigurationStatus, style: TableStyle): string {
  const says = ({ datastore, modified }: DatastoreInfo): string => {
    if (!modified) return "";
    return datastore === "running" ? "not saved to startup" : "has changes to commit";
  };
  const shown = table(
    [
      { title: "DATASTORE", cell: (info) => info.datastore },
      { title: "TRANSACTION", cell: (info) => info.transactionId },
      { title: "LOCKED BY", cell: (info) => String(info.lockedBy ?? "") },
      { title: "", cell: says },
    ],
    datastores.filter(({ datastore }) => datastore !== "intended" && datastore !== "operational"),
    style,
  );
  if (pending === undefined) return shown;
  const until = new Date(pending.deadline).toISOString().slice(11, 19);
  return `${shown}commit ${pending.commit} of ${printable(pending.user)} (${pending.protocol}) waits for confirmation until ${until} UTC\n`;
}
