import type { AlarmRow } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import type { Colour } from "../terminal.ts";
import { printable } from "../terminal.ts";
import { age } from "./format.ts";

const COLOURS: Readonly<Record<string, Colour>> = {
  indeterminate: "dim",
  warning: "yellow",
  minor: "yellow",
  major: "red",
  critical: "red",
};

/** Alarms as a table, with what each is about on a line of its own. */
export function alarmsView(rows: readonly AlarmRow[], style: TableStyle): string {
  return table(
    [
      { title: "ID", cell: (row) => row.id },
      { title: "SEVERITY", cell: severity },
      { title: "TYPE", cell: (row) => row.type },
      { title: "RAISED", align: "right", cell: (row) => age(row.raisedSecondsAgo) },
      { title: "OPERATOR", optional: true, shrinkTo: 12, cell: operator },
      { title: "WHAT", shrinkTo: 30, cell: (row) => row.text },
    ],
    rows,
    style,
  );
}

/** All that is known of each alarm. */
export function alarmDetailsView(rows: readonly AlarmRow[], { paint }: TableStyle): string {
  return rows
    .map((row) => {
      const { text: level, colour } = severity(row);
      const head = `${paint("bold", row.id)} ${paint(colour, level)} ${row.type}: ${printable(row.text)}\n`;
      const about = `  about  ${printable(row.resource)}\n`;
      const said = operator(row);
      const note = row.operatorText === undefined ? "" : `: ${row.operatorText}`;
      const operators = said === "" ? "" : `  said   ${printable(`${said}${note}`)}\n`;
      const changes = row.changes.map(({ time, severity: is, text }) => `  ${time}  ${is}: ${printable(text)}\n`);
      return head + about + operators + changes.join("");
    })
    .join("\n");
}

function severity({ severity: level, state }: AlarmRow): { readonly text: string; readonly colour: Colour } {
  if (state === "shelved") return { text: `${level}, shelved`, colour: "dim" };
  return state === "cleared"
    ? { text: `${level}, over`, colour: "dim" }
    : { text: level, colour: COLOURS[level] ?? "red" };
}

function operator({ operatorState, operator: who }: AlarmRow): string {
  return who === undefined ? "" : `${operatorState} by ${who}`;
}
