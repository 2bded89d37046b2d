import { type Command, Option } from "commander";
import type {
  AgentRow,
  CapabilityRow,
  CountersReport,
  ExchangedRouteRow,
  FibRow,
  PeerRow,
  PolicyRow,
  RouteRow,
  StatusReport,
  UnicastRouteRow,
} from "../management/index.ts";
import type { Print } from "./agent-command.ts";
import type { PrintList, PrintOne } from "./printer.ts";
import type { TableStyle } from "./table.ts";

const FAMILIES = ["capability", "ipv6-unicast", "ipv4-unicast"] as const;

interface RouteFilters extends Filters {
  readonly detail: boolean;
  readonly family: (typeof FAMILIES)[number];
  readonly peer?: string;
  readonly prefix?: string;
}

interface ExchangeOptions {
  readonly detail: boolean;
  readonly family: (typeof FAMILIES)[number];
  readonly refused?: boolean;
  readonly withheld?: boolean;
  readonly prefix?: string;
}

/** Of families of prefixes. */
const PREFIX = ["--prefix <prefix>", "this prefix only, or all that cover an address"] as const;

/** A prefix says which family is meant, where that is not said. */
function familyMeant(command: Command, family: RouteFilters["family"], prefix: string | undefined) {
  if (prefix === undefined || command.getOptionValueSource("family") !== "default") return family;
  return prefix.includes(":") ? "ipv6-unicast" : "ipv4-unicast";
}

/** Routes between this router and one peer. */
function addExchange(show: Command, name: "received" | "advertised", about: string, printList: PrintList): Command {
  return show
    .command(name)
    .description(about)
    .argument("<peer>", "its address")
    .addOption(new Option("--family <name>", "which routes").choices(FAMILIES).default("capability"))
    .option(...PREFIX)
    .option("--detail", "with communities", false)
    .action(async (peer: string, options: ExchangeOptions, command: Command) => {
      const { detail, refused = false, withheld = false, prefix } = options;
      const family = familyMeant(command, options.family, prefix);
      const views = await import("./views/exchanged-routes.ts");
      const outcome = refused ? { outcome: "refused" } : withheld ? { outcome: "not-told" } : {};
      return printList<ExchangedRouteRow>(
        { path: `/${name}`, parameters: { peer, family, ...outcome, ...(prefix === undefined ? {} : { prefix }) } },
        "no routes",
        detail ? views.exchangedRouteDetailsView : views.exchangedRoutesView,
      );
    });
}

interface Filters {
  readonly tenant?: string;
  readonly capability?: string;
}

/** `show`, with what the router itself knows; others add to it. */
export function addShow(
  program: Command,
  style: TableStyle,
  print: Print,
  { printList, printOne }: { readonly printList: PrintList; readonly printOne: PrintOne },
): Command {
  const show = program.command("show").description("print what the router knows");
  const filtered = (command: Command): Command =>
    command.option("--tenant <name>", "of this tenant only").option("--capability <name>", "of this capability only");

  show
    .command("status")
    .description("the router, its data plane, and what an operator should look at")
    .action(async () => {
      const { statusView } = await import("./views/status.ts");
      await print<StatusReport>({ method: "GET", path: "/status" }, (report) => statusView(report, style));
    });
  show
    .command("dataplane")
    .description("who carries the forwarding plan out, how far, and what it cannot do")
    .action(async () => {
      const { dataplaneView } = await import("./views/dataplane.ts");
      await print<StatusReport>({ method: "GET", path: "/status" }, (report) => dataplaneView(report, style));
    });
  filtered(show.command("agents").description("agents and their instances behind this router")).action(
    async (filters: Filters) => {
      const { agentsView } = await import("./views/agents.ts");
      await printList<AgentRow>({ path: "/agents", parameters: { ...filters } }, "no agents", agentsView);
    },
  );
  filtered(show.command("capabilities").description("capabilities, their addresses, and who serves them")).action(
    async (filters: Filters) => {
      const { capabilitiesView } = await import("./views/agents.ts");
      const list = { path: "/capabilities", parameters: { ...filters } } as const;
      await printList<CapabilityRow>(list, "no capabilities", capabilitiesView);
    },
  );
  filtered(show.command("routes").description("routes of one family, this router's own and those of its peers"))
    .addOption(new Option("--family <name>", "which routes").choices(FAMILIES).default("capability"))
    .option("--peer <address>", "from this peer only")
    .option(...PREFIX)
    .option("--detail", "everything that is known of each", false)
    .action(async ({ detail, family: named, ...filters }: RouteFilters, command: Command) => {
      const family = familyMeant(command, named, filters.prefix);
      if (family === "capability") {
        const { routeDetailsView, routesView } = await import("./views/routes.ts");
        const list = { path: "/routes", parameters: { ...filters } } as const;
        return printList<RouteRow>(list, "no routes", detail ? routeDetailsView : routesView);
      }
      const { unicastRouteDetailsView, unicastRoutesView } = await import("./views/unicast-routes.ts");
      const list = { path: "/routes", parameters: { family, ...filters } } as const;
      return printList<UnicastRouteRow>(list, "no routes", detail ? unicastRouteDetailsView : unicastRoutesView);
    });
  addExchange(show, "received", "what a peer has said, before import policy, and what became of it", printList).option(
    "--refused",
    "only what is not used",
    false,
  );
  addExchange(show, "advertised", "what a peer is told, after export policy, and what not, and why", printList).option(
    "--withheld",
    "only what it is not told",
    false,
  );
  show
    .command("peers")
    .alias("peer")
    .description("BGP sessions; of one peer all that is known")
    .argument("[peer]", "its address")
    .option("--detail", "all that is known of each", false)
    .action(async (address: string | undefined, { detail }: { readonly detail: boolean }) => {
      const [{ peersView }, { peerDetailsView }] = await Promise.all([
        import("./views/peers.ts"),
        import("./views/peer.ts"),
      ]);
      if (address !== undefined) {
        const missing = `${address} is no BGP neighbour of this router: see semrctl show peers`;
        await printOne<PeerRow>("peer.unknown", { path: "/peers", parameters: { address } }, missing, peerDetailsView);
      } else await printList<PeerRow>({ path: "/peers" }, "no peers", detail ? peerDetailsView : peersView);
    });
  show
    .command("policies")
    .description("routing policies, statement by statement, with how often each has fitted")
    .option("--policy <name>", "this policy only")
    .action(async (options: { readonly policy?: string }) => {
      const { policiesView } = await import("./views/policies.ts");
      await printList<PolicyRow>({ path: "/policies", parameters: { ...options } }, "no policies", policiesView);
    });
  filtered(show.command("fib").description("what the data plane does with each capability address")).action(
    async (filters: Filters) => {
      const { fibView } = await import("./views/fib.ts");
      await printList<FibRow>({ path: "/fib", parameters: { ...filters } }, "nothing is forwarded", fibView);
    },
  );
  show
    .command("counters")
    .description("packets by verdict, and flows by site and instance")
    .option("--all", "also verdicts that never happened", false)
    .action(async (options: { readonly all: boolean }) => {
      const { countersView } = await import("./views/counters.ts");
      await print<CountersReport>({ method: "GET", path: "/counters" }, (report) =>
        countersView(report, options, style),
      );
    });
  return show;
}
