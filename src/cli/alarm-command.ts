import { type Command, Option } from "commander";
import type { AlarmRow, EventRow } from "../management/index.ts";
import type { Print } from "./agent-command.ts";
import { wholeNumber } from "./arguments.ts";
import type { TableStyle } from "./table.ts";

const SEVERITIES = ["indeterminate", "warning", "minor", "major", "critical"];

interface AlarmFilters {
  readonly all: boolean;
  readonly shelved: boolean;
  readonly detail: boolean;
  readonly severity?: string;
  readonly type?: string;
}

interface EventFilters {
  readonly limit: number;
  readonly type?: string;
}

/** What is wrong, what happened, and what operators say about it. */
export function addAlarmCommands(program: Command, show: Command, style: TableStyle, print: Print): void {
  show
    .command("alarms")
    .description("what is wrong now, and with --all what was")
    .option("--all", "also what is over, and what is on shelves", false)
    .option("--shelved", "what is on shelves", false)
    .option("--detail", "what each is about, and how it changed", false)
    .addOption(new Option("--severity <name>", "of this severity only").choices(SEVERITIES))
    .option("--type <name>", "of this type only, such as bgp-session-down")
    .action(async ({ all, shelved, detail, ...filters }: AlarmFilters) => {
      const { alarmDetailsView, alarmsView } = await import("./views/alarms.ts");
      await print<readonly AlarmRow[]>(
        {
          method: "GET",
          path: "/alarms",
          parameters: { ...filters, state: all ? undefined : shelved ? "shelved" : "raised" },
        },
        (rows) => {
          if (rows.length === 0 && shelved) return "no alarms are on shelves\n";
          if (rows.length === 0) return all ? "no alarms\n" : "no alarms; --all shows those that are over\n";
          return detail ? alarmDetailsView(rows, style) : alarmsView(rows, style);
        },
      );
    });
  show
    .command("events")
    .description("what happened since the router was started, the newest last")
    .option("--limit <number>", "at most so many", wholeNumber(1, 10_000), 50)
    .option("--type <name>", "of this type only, such as agent-change")
    .action(async ({ limit, ...filters }: EventFilters) => {
      const { eventsView } = await import("./views/events.ts");
      await print<readonly EventRow[]>({ method: "GET", path: "/events", parameters: { ...filters } }, (rows) =>
        rows.length === 0 ? "no events\n" : eventsView(rows.slice(-limit)),
      );
    });
  const alarm = program.command("alarm").description("say what becomes of an alarm");
  for (const [name, state, description, said] of [
    ["ack", "ack", "say that somebody takes care of it", "is being taken care of"],
    ["close", "closed", "say that it is resolved; it stays in the list until it is purged", "is closed"],
    ["reopen", "none", "say that nobody takes care of it", "is nobody's"],
  ] as const)
    alarm
      .command(name)
      .description(description)
      .argument("<id>", "as semrctl show alarms has it")
      .option("--text <text>", "what other operators shall know")
      .action((id: string, { text }: { readonly text?: string }) =>
        print<AlarmRow>(
          { method: "POST", path: "/alarms/state", id, parameters: { state, text } },
          (row) => `${row.id} (${row.type}) ${said}\n`,
        ),
      );
  alarm
    .command("purge")
    .description("take those that are over out of the list")
    .action(() =>
      print<{ readonly "purged-alarms": number }>(
        { method: "POST", path: "/alarms/purge" },
        ({ "purged-alarms": count }) => `${count} taken out of the list\n`,
      ),
    );
}
