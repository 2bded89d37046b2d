import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fromHex, toHex } from "../../../src/base/index.ts";
import { concatenate } from "../../../src/dataplane/memory/packet.ts";
import { ended } from "../../host/child.ts";
import { address, udp } from "../memory/frames.ts";
import { AGENT, CLIENT, OTHER_LOCATOR } from "../memory/story.ts";
import { type Arrival, SIDES, type Side } from "./world.ts";

/** The interface on a side, as the router calls it. */
export const portOf = (side: Side): string => `${side}0`;
/** The far end of its link, where the suite sends and listens. */
export const farEndOf = (side: Side): string => `${side}0-peer`;

const ROUTER_MACS: Readonly<Record<Side, string>> = {
  client: "02:00:00:00:c0:01",
  agent: "02:00:00:00:a0:01",
  core: "02:00:00:00:f0:01",
};
const STATION_MACS: Readonly<Record<Side, string>> = {
  client: "02:00:00:00:c0:02",
  agent: "02:00:00:00:a0:02",
  core: "02:00:00:00:f0:02",
};

/** Address and Ethernet address of the next router, behind the core link. */
export const NEXT_ROUTER = ["2001:db8:e::2", STATION_MACS.core] as const;

/** The three links. */
const LINKS = `
  sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
  sysctl -qw net.ipv6.conf.all.forwarding=1
  ip link set lo up
  ${SIDES.map(
    (side) => `
  ip link add ${portOf(side)} address ${ROUTER_MACS[side]} type veth peer name ${farEndOf(side)} address ${STATION_MACS[side]}
  sysctl -qw net.ipv6.conf.${farEndOf(side)}.disable_ipv6=1
  ip link set ${farEndOf(side)} up
  ip link set ${portOf(side)} up`,
  ).join("")}
`;

/** The router's addresses, neighbours and routes, on the interfaces that its stack has for the sides. */
function addresses(on: (side: Side) => string): string {
  return `
  ip -6 address add 2001:db8:c::ffff/64 dev ${on("client")} nodad
  ip -6 address add 2001:db8:a::ffff/64 dev ${on("agent")} nodad
  ip -6 address add 2001:db8:e::1/64 dev ${on("core")} nodad
  ip -6 neighbour add 2001:db8:c::1 lladdr ${STATION_MACS.client} dev ${on("client")}
  ip -6 neighbour add 2001:db8:a::7 lladdr ${STATION_MACS.agent} dev ${on("agent")}
  ip -6 neighbour add 2001:db8:e::2 lladdr ${STATION_MACS.core} dev ${on("core")}
  ip -6 route add 2001:db8:f::/64 via 2001:db8:e::2 dev ${on("core")}
`;
}

/** Everything that the story's addresses need to be reached by a router that runs in this namespace. For `isolated()`. */
export const LINKS_SETUP = `${LINKS}
  ip -6 address add 2001:db8:f::1/128 dev lo
  ${addresses(portOf)}`;

/** The links of a router that a switch is in front of: the stack does not see them. */
export const SWITCHED_LINKS_SETUP = `${LINKS}
  ${SIDES.map((side) => `sysctl -qw net.ipv6.conf.${portOf(side)}.disable_ipv6=1`).join("\n  ")}`;

/** What its stack gets instead: one interface, the switch's own. */
export const switchedAddresses = (own: string): string => `
  ip link set ${own} up
  ip -6 address add 2001:db8:f::1/128 dev ${own} nodad
  ${addresses(() => own)}`;

const toItself = (source: Uint8Array, router: string): Uint8Array =>
  udp({ source, destination: address(router) }, { sourcePort: 9, destinationPort: 9 });

/** A packet from each side to the router itself: a switch learns by them who is behind which port. */
export const STATIONS: readonly (readonly [Side, Uint8Array])[] = [
  ["client", toItself(CLIENT, "2001:db8:c::ffff")],
  ["agent", toItself(AGENT, "2001:db8:a::ffff")],
  ["core", toItself(address(NEXT_ROUTER[0]), "2001:db8:e::1")],
];

const OPENING = { tries: 300, seconds: 0.2 };

interface Order {
  readonly frames: readonly string[];
  /** What came since the answer before is wanted too. */
  readonly goesOn?: true;
  /** Seconds. */
  readonly within?: number;
}

/** Real packets into and out of the far ends of the three links. */
export class Wire implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(): Promise<Wire> {
    const script = join(import.meta.dirname, "wire.py");
    const child = spawn("/usr/bin/python3", [script, ...SIDES.map(farEndOf)], { stdio: ["pipe", "pipe", "inherit"] });
    const wire = new Wire(child);
    await wire.#line();
    return wire;
  }

  /**
   * IPv6 packets in on one side; what came out, neighbour discovery left out. Nothing more comes when a plain packet that the
   * router's stack forwards has come out, behind all that was sent before it.
   *
   * @param answered resolves when who answers beside the stack has said what it had to say; a second plain packet follows. For
   * switches, which handle packets in small batches and within one in any order.
   */
  async send(from: Side, packets: readonly Uint8Array[], answered?: () => Promise<void>): Promise<readonly Arrival[]> {
    const found = await this.#exchange(from, { frames: packets.map((packet) => toHex(inFrame(from, packet))) });
    const arrivals = found.map(arrivalOf).filter(({ packet }) => !isNeighbourTalk(packet));
    return answered === undefined ? arrivals : [...arrivals, ...(await this.#rest(from, answered))];
  }

  /** Sends a packet in on a side that no plain packet comes through; `beside` is another. What came out. */
  async sendBeside(
    from: Side,
    packet: Uint8Array,
    beside: Side,
    answered: () => Promise<void>,
  ): Promise<readonly Arrival[]> {
    await this.put(from, packet);
    return this.#rest(beside, answered);
  }

  async #rest(from: Side, answered: () => Promise<void>): Promise<readonly Arrival[]> {
    await answered();
    const found = await this.#exchange(from, { frames: [], goesOn: true });
    return found.map(arrivalOf).filter(({ packet }) => !isNeighbourTalk(packet));
  }

  /** Sends packets from each side until plain packets come through: a switch takes its time with a new link. */
  async opens(first: readonly (readonly [Side, Uint8Array])[]): Promise<void> {
    for (let tries = 0; tries < OPENING.tries; tries++) {
      for (const [side, packet] of first) await this.put(side, packet);
      const { frames } = await this.#ask("client", { frames: [], within: OPENING.seconds });
      if (frames === undefined) continue;
      await this.#exchange("client", { frames: [] });
      return;
    }
    throw new Error(`no plain packet came through within ${OPENING.tries * OPENING.seconds} s`);
  }

  async #exchange(from: Side, order: Order): Promise<[string, string][]> {
    const { frames, error } = await this.#ask(from, order);
    if (frames === undefined) throw new Error(`the wire: ${error}`);
    return frames;
  }

  async #ask(from: Side, order: Order): Promise<{ frames?: [string, string][]; error?: string }> {
    const until = { fence: toHex(inFrame(from, fence(from))), at: farEndOf(from === "core" ? "client" : "core") };
    this.#child.stdin.write(`${JSON.stringify({ from: farEndOf(from), ...order, ...until })}\n`);
    return JSON.parse(await this.#line());
  }

  /** Sends and does not wait. */
  async put(from: Side, packet: Uint8Array): Promise<void> {
    this.#child.stdin.write(`${JSON.stringify({ from: farEndOf(from), frames: [toHex(inFrame(from, packet))] })}\n`);
    await this.#line();
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the wire ended: see what python3 says above");
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    await ended(this.#child);
  }
}

const macOctets = (mac: string): Uint8Array => fromHex(mac.replaceAll(":", ""));

function inFrame(side: Side, packet: Uint8Array): Uint8Array {
  return concatenate(macOctets(ROUTER_MACS[side]), macOctets(STATION_MACS[side]), Uint8Array.of(0x86, 0xdd), packet);
}

function arrivalOf([at, frame]: [string, string]): Arrival {
  const octets = fromHex(frame).subarray(14);
  const length = 40 + ((octets[4]! << 8) | octets[5]!);
  return { at: SIDES.find((side) => farEndOf(side) === at)!, packet: octets.slice(0, length) };
}

let fences = 0;

/** From the sender's own address to a host on another side, of no concern to capabilities; different each time. */
function fence(from: Side): Uint8Array {
  const source = { client: CLIENT, agent: AGENT, core: address("2001:db8:e::2") }[from];
  const destination = from === "core" ? CLIENT : OTHER_LOCATOR;
  const data = new Uint8Array(16).fill(0xfe);
  new DataView(data.buffer).setUint32(12, ++fences);
  return udp({ source, destination }, { sourcePort: 9, destinationPort: 9, data });
}

/** Router and neighbour discovery, redirects (133 to 137) and reports of listeners (behind a hop-by-hop header, 143). */
function isNeighbourTalk(packet: Uint8Array): boolean {
  const [nextHeader, type] = [packet[6]!, packet[40]!];
  return nextHeader === 0 || (nextHeader === 58 && type >= 133 && type <= 143);
}
