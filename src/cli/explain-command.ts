import { type Command, Option } from "commander";
import type { ExplainReport, PacketReport } from "../management/index.ts";
import type { Print } from "./agent-command.ts";
import { wholeNumber } from "./arguments.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import type { TableStyle } from "./table.ts";

interface NameOptions {
  readonly tenant?: string;
  readonly version?: number;
}

interface PacketOptions {
  readonly tenant?: string;
  readonly protocol?: string;
  readonly sourcePort?: number;
  readonly port?: number;
  readonly flags?: string;
  readonly hopLimit?: number;
  readonly length?: number;
  readonly interface?: string;
  readonly tunnelFrom?: string;
}

/** `explain NAME` and `explain packet SOURCE DESTINATION`. */
export function addExplain(program: Command, style: TableStyle, print: Print, leave: (code: ExitCode) => void): void {
  const explain = program
    .command("explain")
    .description("say who serves a capability, which rule chose them, and why the others were not chosen")
    .argument("<name>", "capability name, such as /vision/ocr")
    .option("--tenant <name>", "tenant; not needed where there is only one")
    .option("--version <number>", "major version; the highest without it", wholeNumber(1, 65535))
    .action(async (name: string, options: NameOptions) => {
      const { explainView } = await import("./views/explain.ts");
      let known = true;
      await print<ExplainReport>({ method: "GET", path: "/explain", parameters: { name, ...options } }, (report) => {
        known = report.known;
        return explainView(report, style);
      });
      if (!known) leave(EXIT.refused);
    });
  explain
    .command("packet")
    .description("say what becomes of a packet at this router now; nothing is sent, and nothing changes")
    .argument("<source>", "address of the sender; of IPv4 where the router translates it")
    .argument("<destination>", "address, or the name of a capability")
    .option("--tenant <name>", "tenant of the capability; not needed where there is only one")
    .addOption(new Option("--protocol <name>", "that of the capability without it").choices(["tcp", "udp", "icmpv6"]))
    .option("--source-port <number>", "49152 without it", wholeNumber(1, 65535))
    .option("--port <number>", "destination port; that of the capability without it", wholeNumber(1, 65535))
    .addOption(
      new Option("--flags <name>", "of TCP: syn opens a connection, ack is in the middle of one").choices([
        "syn",
        "ack",
        "fin",
        "rst",
      ]),
    )
    .option("--hop-limit <number>", "64 without it", wholeNumber(0, 255))
    .option("--length <octets>", "of the IPv6 packet; 100 without it", wholeNumber(40, 65575))
    .option("--interface <name>", "where it comes in; without it where the route to the sender leads")
    .option("--tunnel-from <locator>", "it comes out of the tunnel from the router with this locator")
    .action(async (source: string, destination: string, _options: unknown, command: Command) => {
      const { packetView } = await import("./views/packet.ts");
      // With the parent's: it has a --tenant too, and takes it wherever it stands.
      const { sourcePort, hopLimit, tunnelFrom, tenant, protocol, port, flags, length, ...rest } =
        command.optsWithGlobals<PacketOptions>();
      const asked = { source, destination, tenant, protocol, port, flags, length, interface: rest.interface };
      const more = { "source-port": sourcePort, "hop-limit": hopLimit, "tunnel-from": tunnelFrom };
      return print<PacketReport>(
        { method: "GET", path: "/explain/packet", parameters: { ...asked, ...more } },
        (report) => packetView(report, style),
      );
    });
}
