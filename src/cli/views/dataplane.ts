import type { StatusReport } from "../../management/index.ts";
import { type TableStyle, table } from "../table.ts";
import { type Colour, printable } from "../terminal.ts";
import { age, pairs } from "./format.ts";

type Executor = NonNullable<StatusReport["dataplane"]["executor"]>;

const STATES: Readonly<Record<Executor["state"], { readonly text: string; readonly colour: Colour }>> = {
  connecting: { text: "away: it works on with what it has", colour: "red" },
  waiting: { text: "has the plan of an earlier process until routes are known", colour: "yellow" },
  "handing-over": { text: "is given the whole plan", colour: "yellow" },
  behind: { text: "has operations to answer", colour: "yellow" },
  differs: { text: "refuses parts of the plan", colour: "red" },
  "in-step": { text: "has the plan", colour: "green" },
};

/** Who carries the plan out. */
export function dataplaneView({ dataplane }: StatusReport, style: TableStyle): string {
  const { driver, generation, adopted, executor, tables, ports, limits } = dataplane;
  const facts = pairs([
    ["driver", driver],
    ["plan", `generation ${generation}${adopted ? ", taken over from the process before" : ""}`],
    ...(executor === undefined ? [] : executorFacts(executor, style)),
  ]);
  const rooms = table(
    [
      { title: "TABLE", cell: ({ table: name }) => name },
      { title: "USED", align: "right", cell: ({ used }) => String(used) },
      { title: "ROOM", align: "right", cell: ({ size }) => String(size) },
    ],
    tables,
    style,
  );
  const interfaces = table(
    [
      { title: "INTERFACE", cell: (port) => port.interface },
      { title: "ROLE", cell: (port) => port.role },
      { title: "HOOK", cell: (port) => (port.hook === "none" ? { text: "none", colour: "red" } : port.hook) },
      {
        title: "RESTORED",
        optional: true,
        align: "right",
        cell: ({ restored = 0 }) => (restored > 0 ? `${restored}` : ""),
      },
      { title: "", optional: true, shrinkTo: 20, cell: (port) => port.reason ?? "" },
    ],
    ports,
    style,
  );
  const refused = table(
    [
      { title: "REFUSED", cell: ({ object }) => object },
      { title: "FOR", align: "right", cell: ({ sinceSeconds }) => age(sinceSeconds) },
      { title: "CODE", cell: ({ code }) => code },
      { title: "REASON", shrinkTo: 30, cell: ({ reason }) => reason },
    ],
    executor?.refused ?? [],
    style,
  );
  const sentences = limits.map((text) => `${style.paint("yellow", "!")} ${printable(text)}\n`).join("");
  return [facts, rooms, interfaces, refused, sentences].filter((part) => part !== "").join("\n");
}

function executorFacts(executor: Executor, { paint }: TableStyle): [string, string][] {
  const { text, colour } = STATES[executor.state];
  const { address, product, sinceSeconds, generation, pending, differences, sessions, handovers, lastError } = executor;
  return [
    ["executor", `${address}${product === undefined ? "" : `, ${printable(product)}`}`],
    ["", `${paint(colour, text)}, for ${age(sinceSeconds)}`],
    ["it has", `generation ${generation}, ${pending} operations underway, ${differences} refused`],
    ["sessions", `${sessions}, ${handovers} whole plans handed over`],
    ...(lastError === undefined ? [] : ([["last error", printable(lastError)]] as [string, string][])),
  ];
}
