import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Operation } from "../../../src/forwarding/index.ts";
import type { Arrival } from "./agent.ts";
import {
  type Answer,
  address,
  CAPABILITY,
  CLIENT,
  type Command,
  INSTANCE_PORTS,
  LOCATOR,
  type RouterPart,
  SERVICE_PORT,
  slots,
} from "./part.ts";

export type RouterName = keyof typeof LOCATOR;
const PLACES = ["client", "i1", "i2", "core", "e1", "e2", "a1", "a2"] as const;
type Place = (typeof PLACES)[number];
const ROUTERS = Object.keys(LOCATOR) as RouterName[];

/** Ends of each link: device names are the place at the other end. i2 has a link of its own to e1. */
const LINKS: readonly (readonly [Place, Place, string])[] = [
  ["client", "i1", "2001:db8:c:1"],
  ["client", "i2", "2001:db8:c:2"],
  ["i1", "core", "2001:db8:f:1"],
  ["i2", "core", "2001:db8:f:2"],
  ["e1", "core", "2001:db8:f:11"],
  ["e2", "core", "2001:db8:f:12"],
  ["i2", "e1", "2001:db8:f:21"],
  ["e1", "a1", "2001:db8:a:1"],
  ["e2", "a2", "2001:db8:a:2"],
];

/** Next hops: of ingresses the tunnels, of egresses this router, the other site, the instances. */
export const HOP = { e1: 1, e2: 2, local: 3, other: 4, first: 5, second: 6 } as const;

export interface Traffic {
  /** When each was sent, by number. CLOCK_MONOTONIC in milliseconds. */
  readonly sent: readonly number[];
  readonly arrivals: readonly (Arrival & { readonly at: number; readonly site: "a1" | "a2" })[];
  /** What each router counted meanwhile, by verdict. */
  readonly verdicts: Readonly<Record<RouterName, Readonly<Record<string, number>>>>;
  /** Packets that the ingresses gave to the tunnels meanwhile. */
  readonly tunnelled: Readonly<Record<"e1" | "e2", number>>;
}

function ingress(name: "i1" | "i2"): RouterPart {
  const locators = [LOCATOR.e1, LOCATOR.e2] as const;
  return {
    locator: LOCATOR[name],
    pinDirectory: `/mnt/${name}`,
    ports: [
      { interface: "client", role: "client", tenantIndex: 1, hook: "auto" },
      { interface: "core", role: "core", tenantIndex: 0, hook: "auto" },
      ...(name === "i2" ? [{ interface: "e1", role: "core", tenantIndex: 0, hook: "auto" } as const] : []),
    ],
    operations: [
      ...locators.map(
        (locator, i): Operation => ({
          ...{ type: "set-next-hop", index: i + 1, state: "up" },
          nextHop: { kind: "tunnel", locator: address(locator) },
        }),
      ),
      ...Object.values(LOCATOR).map((locator): Operation => ({ type: "set-node", locator: address(locator) })),
      { type: "set-slots", group: 1, slots: slots([HOP.e1, HOP.e2]), backup: HOP.e2 },
      { type: "set-capability", entry: { address: address(CAPABILITY), group: 1, localGroup: 0 } },
    ],
    bfd: locators,
    waitsForBfd: true,
    heartbeats: locators,
  };
}

function egress(name: "e1" | "e2"): RouterPart {
  const [agent, other] = name === "e1" ? (["a1", "e2"] as const) : (["a2", "e1"] as const);
  const instances = [HOP.first, HOP.second].map(
    (index, i): Operation => ({
      ...{ type: "set-next-hop", index, state: "up" },
      nextHop: {
        ...{ kind: "instance", instance: `${agent}-${i}`, address: address(`2001:db8:a:${agent[1]}::2`) },
        ...{ port: INSTANCE_PORTS[i]!, protocol: "udp", servicePort: SERVICE_PORT },
      },
    }),
  );
  return {
    locator: LOCATOR[name],
    pinDirectory: `/mnt/${name}`,
    ports: [
      { interface: "core", role: "core", tenantIndex: 0, hook: "auto" },
      { interface: agent, role: "agent", tenantIndex: 1, hook: "auto" },
      ...(name === "e1" ? [{ interface: "i2", role: "core", tenantIndex: 0, hook: "auto" } as const] : []),
    ],
    operations: [
      { type: "set-next-hop", index: HOP.local, nextHop: { kind: "local" }, state: "up" },
      {
        ...{ type: "set-next-hop", index: HOP.other, state: "up" },
        nextHop: { kind: "tunnel", locator: address(LOCATOR[other]) },
      },
      ...instances,
      ...Object.values(LOCATOR).map((locator): Operation => ({ type: "set-node", locator: address(locator) })),
      { type: "set-slots", group: 1, slots: slots([HOP.local, HOP.other]), backup: HOP.other },
      { type: "set-slots", group: 2, slots: slots([HOP.first, HOP.second]), backup: HOP.second },
      { type: "set-capability", entry: { address: address(CAPABILITY), group: 1, localGroup: 2 } },
    ],
    bfd: [LOCATOR.i1, LOCATOR.i2],
    waitsForBfd: false,
    heartbeats: Object.values(LOCATOR).filter((locator) => locator !== LOCATOR[name]),
  };
}

/** A client, two ingresses that have the same hash, a plain router, two sites with two instances each. */
export class Ladder implements AsyncDisposable {
  readonly #children = new Map<string, ChildProcess>();

  static async start(): Promise<Ladder> {
    const ladder = new Ladder();
    try {
      ladder.#build();
      await ladder.linksUsable();
      await Promise.all([
        ladder.#spawn("client", "client.ts"),
        ladder.#spawn("a1", "agent.ts"),
        ladder.#spawn("a2", "agent.ts"),
        ladder.startRouter("e1"),
        ladder.startRouter("e2"),
      ]);
      await Promise.all([ladder.startRouter("i1"), ladder.startRouter("i2")]);
      return ladder;
    } catch (cause) {
      await ladder[Symbol.asyncDispose]();
      throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const place of [...this.#children.keys()]) await this.kill(place);
    for (const place of PLACES)
      try {
        execFileSync("ip", ["netns", "del", place], { stdio: "pipe" });
      } catch (cause) {
        if (!String(cause).includes("No such file")) throw cause;
      }
  }

  ip(place: Place, words: string): void {
    execFileSync("ip", ["-6", "-n", place, ...words.split(" ")]);
  }

  /** Does nothing where it runs. */
  async startRouter(name: RouterName): Promise<void> {
    if (this.#children.has(name)) return;
    await this.#spawn(name, "router.ts", name === "i1" || name === "i2" ? ingress(name) : egress(name));
  }

  /** kill -9, as far as there is something to kill. */
  async kill(place: string): Promise<void> {
    const child = this.#children.get(place);
    this.#children.delete(place);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async tell(router: RouterName, command: Command): Promise<Answer> {
    return (await this.#ask(router, command)) as Answer;
  }

  /** Traffic while `happens` goes on; what it resolves to is when. `restore` follows the traffic. */
  async traffic<T>(
    happens: () => Promise<T>,
    restore: () => Promise<void> = async () => {},
  ): Promise<Traffic & { readonly event: T }> {
    for (const agent of ["a1", "a2"] as const) await this.#ask(agent, "arrivals");
    const before = await this.#counters();
    await this.#ask("client", "start");
    const event = await happens();
    const { sent, failed } = (await this.#ask("client", "stop")) as { sent: number[]; failed: number };
    if (failed > 0) throw new Error(`${failed} datagrams could not be sent`);
    await new Promise((resolve) => setTimeout(resolve, 100)); // those on their way: nothing tells of a packet that does not come
    const arrivals = [];
    for (const site of ["a1", "a2"] as const)
      for (const arrival of (await this.#ask(site, "arrivals")) as Arrival[]) arrivals.push({ ...arrival, site });
    // Before the dead is back, for which packets may still wait; of a router without a process, once it has one.
    const running = await this.#counters();
    await restore();
    const after = new Map([...(await this.#counters()), ...running]);
    return { event, sent, arrivals, ...difference(before, after) };
  }

  async #counters(): Promise<Map<RouterName, Answer>> {
    const found = new Map<RouterName, Answer>();
    for (const name of ROUTERS)
      if (this.#children.has(name)) found.set(name, await this.tell(name, { type: "counters" }));
    return found;
  }

  async #ask(place: string, question: unknown): Promise<unknown> {
    const child = this.#children.get(place)!;
    const answer = once(child, "message", { signal: AbortSignal.timeout(20_000) });
    child.send(question as object);
    const [said] = await answer;
    return said;
  }

  async #spawn(place: Place, script: string, part?: object): Promise<void> {
    const words = [`--net=/run/netns/${place}`, process.execPath, join(import.meta.dirname, script)];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const stdio = ["ignore", "inherit", "inherit", "ipc"] as const;
    const child = spawn("nsenter", words, { stdio: [...stdio], serialization: "advanced", env });
    this.#children.set(place, child);
    const said = once(child, "message", { signal: AbortSignal.timeout(30_000) });
    if (part !== undefined) child.send(part);
    const [word] = await Promise.race([said, once(child, "exit")]);
    if (word !== "ready") throw new Error(`${script} at ${place} ended with ${word}`);
  }

  #build(): void {
    for (const place of PLACES) {
      execFileSync("ip", ["netns", "add", place]);
      const settings = ["all.accept_dad=0", "default.accept_dad=0", `all.forwarding=${isHost(place) ? 0 : 1}`];
      const words = settings.map((setting) => `net.ipv6.conf.${setting}`);
      execFileSync("nsenter", [`--net=/run/netns/${place}`, "sysctl", "-qw", ...words]);
      this.ip(place, "link set lo up");
    }
    for (const [one, other, prefix] of LINKS) {
      const names = ["name", other, "netns", one, "type", "veth", "peer", "name", one, "netns", other];
      execFileSync("ip", ["link", "add", ...names]);
      this.ip(one, `address add ${prefix}::1/64 dev ${other} nodad`);
      this.ip(other, `address add ${prefix}::2/64 dev ${one} nodad`);
      this.ip(one, `link set ${other} up`);
      this.ip(other, `link set ${one} up`);
    }
    for (const name of ROUTERS) this.ip(name, `address add ${LOCATOR[name]}/128 dev lo`);
    this.ip("client", `address add ${CLIENT}/128 dev lo`);
    this.clientBy("i1");
    for (const [name, prefix] of [
      ["i1", "2001:db8:f:1"],
      ["i2", "2001:db8:f:2"],
      ["e1", "2001:db8:f:11"],
      ["e2", "2001:db8:f:12"],
    ] as const) {
      this.ip(name, `route add default via ${prefix}::2`);
      this.ip("core", `route add ${LOCATOR[name]}/128 via ${prefix}::1`);
    }
    for (const agent of ["a1", "a2"] as const) this.ip(agent, `route add default via 2001:db8:a:${agent[1]}::1`);
    this.ip("core", `route add ${CLIENT}/128 via 2001:db8:f:1::1`);
    this.ip("i1", `route add ${CLIENT}/128 via 2001:db8:c:1::1`);
    this.ip("i2", `route add ${CLIENT}/128 via 2001:db8:c:2::1`);
    this.ip("i2", `route add ${LOCATOR.e1}/128 via 2001:db8:f:21::2`);
  }

  /** The client's routing goes to this ingress. */
  clientBy(ingress: "i1" | "i2"): void {
    this.ip("client", `route replace fd5e:3d00:1::/48 via 2001:db8:c:${ingress[1]}::2 src ${CLIENT}`);
  }

  async bfdUp(): Promise<void> {
    const deadline = performance.now() + 10_000;
    for (const name of ["i1", "i2"] as const)
      for (;;) {
        const { bfd } = await this.tell(name, { type: "counters" });
        if (bfd.every((state) => state === "Up")) break;
        if (performance.now() > deadline) throw new Error(`BFD of ${name}: ${bfd.join()}`);
      }
  }

  /** One end goes down, and its addresses and routes with it; the other loses its carrier. */
  cut(one: Place, other: Place): void {
    this.ip(one, `link set ${other} down`);
  }

  async mend(one: Place, other: Place): Promise<void> {
    const [first, , prefix] = LINKS.find((ends) => ends.includes(one) && ends.includes(other))!;
    this.ip(one, `link set ${other} up`);
    this.ip(one, `address replace ${prefix}::${first === one ? 1 : 2}/64 dev ${other} nodad`);
    if (other === "core") this.ip(one, `route replace default via ${prefix}::2`);
    await this.linksUsable();
  }

  /** Without a link-local address a router cannot ask for its neighbour, and the first packet waits for a second. */
  async linksUsable(): Promise<void> {
    const deadline = performance.now() + 10_000;
    for (const place of PLACES)
      for (;;) {
        const text = execFileSync("ip", ["-6", "-o", "-n", place, "address", "show", "scope", "link"]).toString();
        const ready = text.split("\n").filter((line) => line.includes("fe80") && !line.includes("tentative")).length;
        if (ready >= LINKS.filter(([one, other]) => one === place || other === place).length) break;
        if (performance.now() > deadline) throw new Error(`${place} has no link-local addresses: ${text}`);
      }
  }
}

function isHost(place: Place): boolean {
  return place === "client" || place === "a1" || place === "a2";
}

function difference(before: Map<RouterName, Answer>, after: Map<RouterName, Answer>) {
  const moved = (name: RouterName): Record<string, number> => {
    const [old, next] = [before.get(name), after.get(name)];
    if (old === undefined || next === undefined) return {};
    const entries = Object.entries(next.verdicts).map(([verdict, count]) => [verdict, count - old.verdicts[verdict]!]);
    return Object.fromEntries(entries.filter(([, count]) => count !== 0));
  };
  const given = (index: number): number =>
    (["i1", "i2"] as const).reduce((sum, name) => {
      const [old, next] = [before.get(name), after.get(name)];
      return sum + ((next?.nextHops[index] ?? 0) - (old?.nextHops[index] ?? 0));
    }, 0);
  return {
    verdicts: Object.fromEntries(ROUTERS.map((name) => [name, moved(name)])) as Traffic["verdicts"],
    tunnelled: { e1: given(HOP.e1), e2: given(HOP.e2) },
  };
}
