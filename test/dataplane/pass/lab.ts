import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { EdgeVerdict, Verdict } from "../../../src/dataplane/abi.ts";
import { answered, killed } from "../../host/child.ts";
import { synsAgain } from "../kernel/syns-again.ts";
import type { Hook } from "./bench.ts";
import type { RouterPart, Wrapping } from "./lab-router.ts";

const execute = promisify(execFile);

export interface LabOptions {
  readonly coreMtu: number;
  /** Of hosts' links; else 1500. */
  readonly edgeMtu?: number;
  readonly coreHook: Hook;
  readonly edgeHook: Hook;
  /** The MSS of SYNs is lowered. */
  readonly clamp?: boolean;
  /** Of the way from r1 to r2; else IPv6-in-IPv6. */
  readonly wrapping?: Wrapping;
  /** One of the routers is the kernel alone: what it is to do is in `setUp` (words for ip, or a line of sysctl), and the capabilities are on r2 itself. */
  readonly kernel?: { readonly router: "r1" | "r2"; readonly setUp: readonly string[] };
}

export const PLACES = ["client", "near", "r1", "core", "r2", "agent"] as const;
export type Place = (typeof PLACES)[number];

/** How many links each has; whoever has one is a host, the others are routers. */
const LINKS: Readonly<Record<Place, number>> = { client: 1, near: 1, r1: 3, core: 2, r2: 2, agent: 1 };

/** What client and agents hold, and what the capability addresses lead to. */
export const AT = {
  client: "2001:db8:a:c::10",
  agent: "2001:db8:a:9::10",
  near: "2001:db8:a:8::10",
  r1: "2001:db8:b:1::1",
  r2: "2001:db8:b:2::1",
  web: "2001:db8:cab:7:1:aaaa:1:0",
  dns: "2001:db8:cab:7:1:aaaa:2:0",
  empty: "2001:db8:cab:7:1:aaaa:3:0",
  here: "2001:db8:cab:7:1:aaaa:4:0",
  waypoint: "2001:db8:b:e::1",
  /** Datagrams to it may be fragmented; its instances are behind the far router, and behind the near one. */
  large: "2001:db8:cab:7:1:aaaa:6:0",
  largeHere: "2001:db8:cab:7:1:aaaa:7:0",
  /** Datagrams to it go to either router's agent in turn. */
  turn: "2001:db8:cab:7:1:aaaa:8:0",
  /** Its instance is where nobody is. */
  gone: "2001:db8:cab:7:1:aaaa:5:0",
  nobody: "2001:db8:a:8::99",
} as const;

const up = (device: Place, address: string): readonly string[] => [
  `address add ${address}/64 dev ${device} nodad`,
  `link set ${device} up`,
];

/** Addresses and routes of each place, as words for ip. */
const INSIDE: Readonly<Record<Place, readonly string[]>> = {
  client: ["link set lo up", ...up("r1", AT.client), "route add default via 2001:db8:a:c::1"],
  near: ["link set lo up", ...up("r1", AT.near), "route add default via 2001:db8:a:8::1"],
  agent: ["link set lo up", ...up("r2", AT.agent), "route add default via 2001:db8:a:9::1"],
  r1: [
    "link set lo up",
    ...[...up("client", "2001:db8:a:c::1"), ...up("near", "2001:db8:a:8::1"), ...up("core", "2001:db8:f:1::1")],
    `address add ${AT.r1}/128 dev lo`,
    "route add default via 2001:db8:f:1::2",
  ],
  r2: [
    "link set lo up",
    ...[...up("core", "2001:db8:f:2::1"), ...up("agent", "2001:db8:a:9::1")],
    `address add ${AT.r2}/128 dev lo`,
    "route add default via 2001:db8:f:2::2",
  ],
  core: [
    "link set lo up",
    ...[...up("r1", "2001:db8:f:1::2"), ...up("r2", "2001:db8:f:2::2")],
    // it knows the routers and the client's network: no capability, no agent
    `route add ${AT.r1}/128 via 2001:db8:f:1::1`,
    `route add ${AT.r2}/128 via 2001:db8:f:2::1`,
    "route add 2001:db8:a:c::/64 via 2001:db8:f:1::1",
    // a router of its own in the middle: the end of a segment
    `route add ${AT.waypoint}/128 encap seg6local action End dev r1`,
  ],
};

function batch(...lines: readonly string[]): void {
  execFileSync("ip", ["-batch", "-"], { input: lines.join("\n") });
}

/** Sends one datagram (address, port, octets in the arguments) and says what came back. */
export const UDP_ONCE = `
  const socket = require("node:dgram").createSocket("udp6");
  socket.on("message", (octets, from) => { console.log(octets + " by " + from.address + " " + from.port); socket.close(); });
  socket.on("error", (cause) => { console.log(String(cause)); socket.close(); });
  socket.connect(Number(process.argv[2]), process.argv[1], () => socket.send(Buffer.alloc(Number(process.argv[3]), 7)));
  setTimeout(() => { console.log("nothing"); process.exit(1); }, 5000).unref();
`;

/**
 * Sends so many datagrams (address, count, octets in the arguments) from ports of their own until each has come back as it was:
 * the first ones may be what the kernel learns the way's MTU by. Says how many came.
 */
export const UDP_EQUAL = `
  const [address, count, octets] = [process.argv[1], Number(process.argv[2]), Number(process.argv[3])];
  const { createSocket } = require("node:dgram"), { randomBytes } = require("node:crypto");
  const said = () => { console.log(came + " of " + count + " equal"); process.exit(came === count ? 0 : 1); };
  let came = 0;
  for (let i = 0; i < count; i++) {
    const socket = createSocket("udp6"), datagram = randomBytes(octets);
    datagram[0] = 0x45;
    socket.connect(53, address, () => {
      const send = () => socket.send(datagram);
      const again = setInterval(send, 200);
      send();
      socket.on("error", () => {});
      socket.on("message", (answer) => {
        if (!answer.equals(datagram)) { console.log("another datagram"); process.exit(1); }
        clearInterval(again);
        socket.close();
        if (++came === count) said();
      });
    });
  }
  setTimeout(said, 10000).unref();
`;

/** client – r1 – core – r2 – agent, and another agent near r1: namespaces, veths with the settings they are born with. */
export class Lab implements AsyncDisposable {
  readonly options: LabOptions;
  readonly #prefix: string;
  readonly #children: ChildProcess[] = [];
  readonly #routers = new Map<Place, ChildProcess>();

  private constructor(options: LabOptions) {
    this.options = options;
    this.#prefix = `st-dp-${process.pid}-`;
  }

  static async start(options: LabOptions): Promise<Lab> {
    const lab = new Lab(options);
    try {
      lab.#build();
      await lab.#linksUsable();
      await lab.#spawn("agent", "lab-agent.ts");
      await lab.#spawn("near", "lab-agent.ts");
      for (const words of options.kernel?.setUp ?? []) lab.#setUp(options.kernel!.router, words);
      if (options.kernel?.router === "r2") await lab.#spawn("r2", "lab-agent.ts", "80", "53", AT.dns);
      if (options.kernel?.router !== "r1") await lab.#spawn("r1", "lab-router.ts", JSON.stringify(lab.#ingress()));
      if (options.kernel?.router !== "r2") await lab.#spawn("r2", "lab-router.ts", JSON.stringify(lab.#egress()));
      return lab;
    } catch (cause) {
      await lab[Symbol.asyncDispose]();
      throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.splice(0)) {
      await killed(child);
    }
    for (const place of PLACES)
      try {
        execFileSync("ip", ["netns", "del", this.namespace(place)], { stdio: "pipe" });
      } catch (cause) {
        if (!String(cause).includes("No such file")) throw cause;
      }
  }

  namespace(place: Place): string {
    return this.#prefix + place;
  }

  /** Words that run a command at `place`. */
  at(place: Place, ...words: readonly string[]): [string, string[]] {
    return ["nsenter", [`--net=/run/netns/${this.namespace(place)}`, ...words]];
  }

  /** Runs a command at `place` to its end; what it said, also when it failed. */
  async run(place: Place, ...words: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const [file, args] = this.at(place, ...words);
    try {
      return { code: 0, ...(await execute(file, args, { timeout: 60_000, maxBuffer: 1 << 26 })) };
    } catch (cause) {
      const failed = cause as { code: number | string; stdout: string; stderr: string };
      return { code: Number(failed.code), stdout: failed.stdout, stderr: `${failed.stderr}${String(cause)}` };
    }
  }

  /** SYNs that were sent again from `place`, since nothing came back within a second. */
  async synsAgain(place: Place): Promise<number> {
    return synsAgain((await this.run(place, "cat", "/proc/net/netstat")).stdout);
  }

  /** A long-running command at `place`; ends with the lab. */
  launch(place: Place, ...words: readonly string[]): ChildProcess {
    const [file, args] = this.at(place, ...words);
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#children.push(child);
    return child;
  }

  async verdicts(router: "r1" | "r2"): Promise<Record<Verdict | EdgeVerdict, number>> {
    const child = this.#routers.get(router)!;
    return (await answered(child, () => child.send("verdicts"))) as Record<Verdict | EdgeVerdict, number>;
  }

  async #spawn(place: Place, script: string, ...words: readonly string[]): Promise<void> {
    const [file, args] = this.at(place, process.execPath, join(import.meta.dirname, script), ...words);
    const child = spawn(file, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#children.push(child);
    this.#routers.set(place, child);
    const said = await answered(child);
    if (said !== "ready") throw new Error(`${script} at ${place} said ${said}`);
  }

  /** One process for all links and one for each place: a process for each word of it would take longer than the tests. */
  #build(): void {
    const { coreMtu, edgeMtu = 1500 } = this.options;
    batch(...PLACES.map((place) => `netns add ${this.namespace(place)}`));
    // Before there are links, which keep what the default is when they come: an address is looked for twice during a second.
    for (const place of PLACES) {
      const forwarding = LINKS[place] === 1 ? 0 : 1;
      const [file, args] = this.at(
        place,
        ...["sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0"],
        `net.ipv6.conf.all.forwarding=${forwarding}`,
      );
      execFileSync(file, args);
    }
    batch(
      this.#cable("client", "r1", edgeMtu),
      this.#cable("r1", "near", edgeMtu),
      this.#cable("r1", "core", coreMtu),
      this.#cable("core", "r2", coreMtu),
      this.#cable("r2", "agent", edgeMtu),
    );
    for (const place of PLACES)
      execFileSync("ip", ["-6", "-n", this.namespace(place), "-batch", "-"], { input: INSIDE[place].join("\n") });
  }

  /** Without a link-local address a router cannot ask for its neighbour, and the first packet waits for a second. */
  async #linksUsable(): Promise<void> {
    const deadline = performance.now() + 10_000;
    for (const place of PLACES) {
      const links = LINKS[place];
      for (;;) {
        const { stdout } = await this.run(place, "ip", "-6", "-o", "address", "show", "scope", "link");
        const ready = stdout.split("\n").filter((line) => line.includes("fe80") && !line.includes("tentative"));
        if (ready.length === links) break;
        if (performance.now() > deadline) throw new Error(`${place} has no link-local addresses: ${stdout}`);
      }
    }
  }

  #setUp(place: Place, words: string): void {
    const command = words.startsWith("sysctl ") ? words : `ip -6 ${words}`;
    const [file, args] = this.at(place, ...command.split(" "));
    execFileSync(file, args);
  }

  /** A veth between two places; each end is named after the other. */
  #cable(one: Place, other: Place, mtu: number): string {
    const end = (place: Place, device: Place) => `name ${device} mtu ${mtu} netns ${this.namespace(place)}`;
    return `link add ${end(one, other)} type veth peer ${end(other, one)}`;
  }

  #ingress(): RouterPart {
    const { wrapping } = this.options;
    return {
      locator: AT.r1,
      tunnelMtu: this.options.coreMtu,
      clamp: this.options.clamp === true,
      ports: [
        { interface: "client", role: "client", tenant: 7, hook: this.options.edgeHook },
        { interface: "near", role: "agent", tenant: 7, hook: this.options.edgeHook },
        { interface: "core", role: "core", tenant: 0, hook: this.options.coreHook },
      ],
      nodes: [[AT.r2]],
      tunnels: [wrapping === undefined ? [1, AT.r2] : [1, AT.r2, wrapping]],
      locals: [2],
      instances: [
        { index: 3, address: AT.near, port: 8080, servicePort: 80, udp: false },
        { index: 4, address: AT.nobody, port: 5353, servicePort: 53, udp: true },
        { index: 5, address: AT.near, port: 5353, servicePort: 53, udp: true },
      ],
      groups: [
        [1, [1]],
        [2, [0]],
        [3, [2]],
        [4, [3]],
        [5, [4]],
        [6, [5]],
        [7, [1, 2]],
      ],
      capabilities: [
        [AT.web, 1, 0],
        [AT.dns, 1, 0],
        [AT.empty, 2, 0],
        [AT.here, 3, 4],
        [AT.gone, 3, 5],
        [AT.large, 1, 0, "address"],
        [AT.largeHere, 3, 6, "address"],
        [AT.turn, 7, 6, "none"],
      ],
    };
  }

  #egress(): RouterPart {
    return {
      locator: AT.r2,
      tunnelMtu: this.options.coreMtu,
      clamp: this.options.clamp === true,
      ports: [
        { interface: "core", role: "core", tenant: 0, hook: this.options.coreHook },
        { interface: "agent", role: "agent", tenant: 7, hook: this.options.edgeHook },
      ],
      nodes: [[AT.r1, this.options.wrapping && "vni" in this.options.wrapping ? this.options.wrapping.vni : 0]],
      tunnels: [],
      locals: [],
      instances: [
        { index: 1, address: AT.agent, port: 8080, servicePort: 80, udp: false },
        { index: 2, address: AT.agent, port: 5353, servicePort: 53, udp: true },
      ],
      groups: [
        [1, [1]],
        [2, [2]],
      ],
      capabilities: [
        [AT.web, 0, 1],
        [AT.dns, 0, 2],
        [AT.large, 0, 2, "address"],
        [AT.turn, 0, 2, "none"],
      ],
    };
  }
}
