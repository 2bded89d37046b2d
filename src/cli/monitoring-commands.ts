import { open, realpath, rename, rm, stat } from "node:fs/promises";
import { type Command, Option } from "commander";
import type { BmpStationRow, FlowRecordRow, MrtJobRow, RpkiCacheRow, VrpRow } from "../management/index.ts";
import type { Answer } from "./client.ts";
import { CommandFailure, EXIT } from "./exit.ts";
import type { PrintList } from "./printer.ts";
import type { ResourcePath } from "./router/messages.ts";

export interface MonitoringParts {
  readonly printList: PrintList;
  /** @throws {CommandFailure} */
  readonly answer: (wanted: ResourcePath) => Promise<Answer>;
  readonly say: (text: string) => Promise<void> | void;
}

interface FlowFilters {
  readonly tenant?: string;
  readonly capability?: string;
  readonly client?: string;
  readonly state?: string;
}

const FLOW_STATES = ["active", "begun", "closed", "idle", "forgotten", "refused"];

/** What watches routing and traffic, and what is exported of it. */
export function addMonitoringCommands(program: Command, show: Command, parts: MonitoringParts): void {
  const { printList } = parts;
  show
    .command("flows")
    .description("flows that go on, and the last that ended, went to other routers or were refused; newest first")
    .option("--tenant <name>", "of this tenant only")
    .option("--capability <name>", "of this capability only")
    .option("--client <address>", "of this client only")
    .addOption(new Option("--state <name>", "in this state only").choices(FLOW_STATES))
    .action(async (filters: FlowFilters) => {
      const { flowsView } = await import("./views/flows.ts");
      await printList<FlowRecordRow>({ path: "/flows", parameters: { ...filters } }, "no flows", flowsView);
    });
  show
    .command("mrt")
    .description("jobs that write tables and messages to files")
    .action(async () => {
      const { mrtView } = await import("./views/mrt.ts");
      await printList<MrtJobRow>({ path: "/mrt" }, "nothing is written to files", mrtView);
    });
  show
    .command("bmp")
    .description("stations that are told of sessions and routes")
    .action(async () => {
      const { bmpView } = await import("./views/bmp.ts");
      await printList<BmpStationRow>({ path: "/bmp" }, "no monitoring stations", bmpView);
    });
  show
    .command("rpki")
    .description("caches that say who may originate which prefix")
    .option("--vrps", "what they say, instead", false)
    .option("--prefix <prefix>", "with --vrps: of this prefix only")
    .action(async ({ vrps, prefix }: { readonly vrps: boolean; readonly prefix?: string }) => {
      const { rpkiView, vrpsView } = await import("./views/rpki.ts");
      return vrps || prefix !== undefined
        ? printList<VrpRow>({ path: "/vrps", parameters: { prefix } }, "no VRPs", vrpsView)
        : printList<RpkiCacheRow>({ path: "/rpki" }, "no RPKI caches", rpkiView);
    });
  program
    .command("dump")
    .description("export what the router knows")
    .command("mrt")
    .description("write the tables to a file in MRT format (TABLE_DUMP_V2)")
    .requiredOption("--file <path>", "where to; it appears when it is whole")
    .addOption(new Option("--view <name>", "which paths").choices(["adj-rib-in", "loc-rib"]).default("adj-rib-in"))
    .addOption(
      new Option("--family <name>", "these routes only").choices(["capability", "ipv6-unicast", "ipv4-unicast"]),
    )
    .action(async ({ file, ...wanted }: { readonly file: string; readonly view: string; readonly family?: string }) => {
      const octets = await save(file, await parts.answer({ path: "/mrt/table", parameters: { ...wanted } }));
      // Whoever reads a device or a pipe may be at standard output, too.
      if (octets !== undefined) await parts.say(`${octets} octets in ${file}\n`);
    });
}

/**
 * Writes the file under another name first, so that a file of its name is a whole one. Where it is a link, what it leads to is
 * replaced. A device or a pipe is written to, and stays what it is.
 * @returns its size; `undefined` where it is no file
 */
async function save(asked: string, answer: Answer): Promise<number | undefined> {
  const there = await stat(asked).catch(() => undefined);
  if (there?.isFile() === false) {
    await write(asked, asked, answer);
    return undefined;
  }
  const path = there === undefined ? asked : await realpath(asked);
  const unfinished = `${path}.part`;
  const octets = await write(unfinished, path, answer, { isOwn: true });
  try {
    await rename(unfinished, path);
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
  return octets;
}

/** @param options isOwn: it is a file that is made here, and goes where it does not become whole */
async function write(path: string, named: string, answer: Answer, { isOwn = false } = {}): Promise<number> {
  let octets = 0;
  try {
    await using file = await open(path, "w", 0o644);
    for await (const { octets: chunk } of answer) {
      await file.appendFile(chunk);
      octets += chunk.length;
    }
    if (isOwn) await file.datasync();
  } catch (cause) {
    if (isOwn) await rm(path, { force: true }).catch(() => {}); // its folder may be gone
    throw cause instanceof CommandFailure ? cause : cannotWrite(named, cause);
  }
  return octets;
}

function cannotWrite(path: string, cause: unknown): CommandFailure {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CommandFailure(EXIT.refused, `${path} cannot be written: ${reason}`);
}
