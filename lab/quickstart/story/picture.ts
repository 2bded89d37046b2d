import { AGENTS, ROUTERS } from "./places.ts";
import { counted, type Ink, WIDTH, wrap } from "./terminal.ts";

/** What went where, for the picture. */
export interface Traffic {
  /** Requests answered, by agent. */
  readonly served: ReadonlyMap<string, number>;
  /** Packets that core saw in tunnels from r1, by locator of the other end. */
  readonly tunnelled: ReadonlyMap<string, number>;
}

const PICTURE = [
  "┌────────┐     ┌────────┐    ┌────────┐    ┌────────┐     ┌────────┐",
  "│ client ├─────┤   r1   ╞════╡  core  ╞════╡   r2   ├──┬──┤ ocr-a  │ {ocr-a}",
  "│  curl  │     │ semrd  │    │ Linux  │    │ semrd  │  │  └────────┘",
  "└────────┘     └────────┘    └───╥────┘    └────────┘  │  ┌────────┐",
  "                                 ║                     └──┤ ocr-b  │ {ocr-b}",
  "                                 ║                        └────────┘",
  "                                 ║         ┌────────┐     ┌────────┐",
  "                                 ╚═════════╡   r3   ├──┬──┤ ocr-c  │ {ocr-c}",
  "                                           │ semrd  │  │  └────────┘",
  "                                           └────────┘  │  ┌────────┐",
  "                                                       └──┤ speech │ {speech}",
  "                                                          └────────┘",
];

const NODE_NAME = /\b(client|core|r[123]|ocr-[abc]|speech)\b(?=\s*[│╡├┤╞ ]| {2})/g;

/** The topology with what every agent has answered and what went through the tunnels, as lines. */
export function pictureOf({ served, tunnelled }: Traffic, ink: Ink): string[] {
  const lines = PICTURE.map((line) => {
    const [drawing, label] = line.split(/ (?=\{)/);
    const agent = AGENTS.find((one) => label === `{${one.name}}`);
    const painted = drawing!.replace(/[═║╚╥╡╞]+/g, ink.accent).replace(NODE_NAME, ink.bold);
    if (agent === undefined) return `  ${painted}`;
    return `  ${painted} ${ink.dim(agent.program)}, ${ink.good(counted(served.get(agent.name) ?? 0, "answer"))}`;
  });
  const packets = [ROUTERS.r2, ROUTERS.r3].map(
    (router) => `${counted(tunnelled.get(router.locator) ?? 0, "packet")} r1 → ${router.name}`,
  );
  return [
    ...lines,
    "",
    `  ${ink.accent("═══")} IPv6-in-IPv6 between locators: ${packets.join(", ")}`,
    `  ${ink.dim("───")} plain IPv6; answers come back without a tunnel, from the capability's address`,
  ];
}

/** What to try while the lab is up. */
export function commandsText(ink: Ink): string[] {
  const url = "http://ocr.vision.cap.acme.example.net/";
  const rows = [
    ["ask for a capability", `lab/in client curl --data-binary @/opt/semrd/lab/quickstart/page.png ${url}`],
    ["why that one?", "lab/in r1 semrctl explain /vision/ocr"],
    ["what becomes of a packet?", "lab/in r1 semrctl explain packet fd00:c::2 /vision/ocr"],
    ["who called whom", "lab/in r2 semrctl show flows"],
    ["who can do what", "lab/in r1 semrctl show capabilities"],
    ["routes, peers", "lab/in r1 semrctl show routes --detail; lab/in r1 semrctl show peers"],
    ["per-instance counters", "lab/in r2 semrctl show counters"],
    ["watch the tunnels", "lab/in core tcpdump -ni eth1 ip6 proto 41"],
    ["take an agent out", "lab/in r2 semrctl agent drain spiffe://example.net/acme/agent/ocr-a"],
  ];
  const column = Math.max(...rows.map(([what]) => what!.length));
  return rows.flatMap(([what, command]) => {
    const [first, ...rest] = wrap(command!, WIDTH - column - 4);
    return [
      `  ${ink.dim(what!.padEnd(column))}  ${first}${rest.length > 0 ? " \\" : ""}`,
      ...rest.map((line) => `  ${" ".repeat(column)}    ${line}`),
    ];
  });
}
