import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { isSettled } from "./account.ts";
import type { Arrival } from "./agent.ts";
import { answerOf } from "./answer.ts";
import { type Answer, CLIENT, type Command, HOLD, LOCATOR, now, PATIENCE_MS, until, wait } from "./part.ts";
import { egress, ingress } from "./plans.ts";
import { type Counts, difference, PassTables, ticksOf } from "./tables.ts";

export type RouterName = keyof typeof LOCATOR;
const PLACES = ["client", "i1", "i2", "core", "e1", "e2", "a1", "a2"] as const;
type Place = (typeof PLACES)[number];
export type Site = "a1" | "a2";
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

export interface Traffic {
  /** When each was sent, by number. CLOCK_MONOTONIC in milliseconds. */
  readonly sent: readonly number[];
  readonly arrivals: readonly (Arrival & { readonly at: number; readonly site: Site })[];
  /** What each router counted meanwhile, by verdict. */
  readonly verdicts: Readonly<Record<RouterName, Readonly<Record<string, number>>>>;
  /** Packets that the ingresses gave to the tunnels meanwhile. */
  readonly tunnelled: Readonly<Record<"e1" | "e2", number>>;
  /** Datagrams that the host of a site's instances had no socket for. */
  readonly unheard: Readonly<Record<Site, number>>;
  /** Sites that the way to was dead for a while. */
  readonly dead: readonly Site[];
}

/** A client, two ingresses that have the same hash, a plain router, two sites with two instances each. */
export class Ladder implements AsyncDisposable {
  readonly #children = new Map<string, ChildProcess>();
  readonly #tables = new Map<RouterName, PassTables>();
  /** Datagrams that instances have noted, since the beginning. */
  readonly #arrived: Record<Site, number> = { a1: 0, a2: 0 };

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
      for (const name of ROUTERS) ladder.#tables.set(name, new PassTables(`/mnt/${name}`));
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

  /** Does nothing where it runs. `without`: BFD with these is not waited for. */
  async startRouter(name: RouterName, { without = [] }: { without?: readonly RouterName[] } = {}): Promise<void> {
    if (this.#children.has(name)) return;
    const part = name === "i1" || name === "i2" ? ingress(name) : egress(name);
    const waitsForBfd = part.waitsForBfd.filter((locator) => !without.some((other) => LOCATOR[other] === locator));
    await this.#spawn(name, "router.ts", { ...part, waitsForBfd });
  }

  /** An instance ends, or is back; its host stays. */
  async instance(site: Site, instance: number, does: "ends" | "begins"): Promise<void> {
    await this.#ask(site, { instance, does });
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

  /** What a router's pass counts and holds. */
  pass(router: RouterName): PassTables {
    return this.#tables.get(router)!;
  }

  /** Waits until the client has sent so many more: it sends two a millisecond, and later what it could not send in time. */
  async sends(more: number): Promise<void> {
    await this.#ask("client", { more });
  }

  /** Traffic while `happens` goes on; what it resolves to is when. `restore` follows the traffic. */
  async traffic<T>(
    happens: () => Promise<T>,
    restore: () => Promise<void> = async () => {},
    dead: readonly Site[] = [],
  ): Promise<Traffic & { readonly event: T }> {
    await this.#rest();
    const before = this.#counts();
    const unheard = this.#unheard();
    await this.#ask("client", "start");
    const event = await happens().catch(async (cause) => {
      await this.#ask("client", "stop");
      await restore(); // what follows does not fail for that
      throw cause;
    });
    const { sent, failed } = (await this.#ask("client", "stop")) as { sent: number[]; failed: number };
    if (failed > 0) throw new Error(`${failed} datagrams could not be sent`);
    // What may come twice or too much, of which nothing tells; and then as long as something that must come has not.
    await wait(100);
    const arrivals: Traffic["arrivals"][number][] = [];
    for (const deadline = performance.now() + PATIENCE_MS; ; await wait(20)) {
      arrivals.push(...(await this.#arrivals()));
      const nobody = this.#unheard();
      const more = { a1: nobody.a1 - unheard.a1, a2: nobody.a2 - unheard.a2 };
      const traffic = { event, sent, arrivals, dead, unheard: more, ...difference(before, this.#counts()) };
      if (!isSettled(sent.length, traffic, dead) && performance.now() < deadline) continue;
      await restore();
      return traffic;
    }
  }

  /** Waits until what was delivered before has been noted, which may have waited somewhere until a dead way was back. */
  async #rest(): Promise<void> {
    const delivered = (egress: "e1" | "e2") => this.pass(egress).counts().verdicts.delivered!;
    for (const deadline = performance.now() + PATIENCE_MS; ; await wait(10)) {
      await this.#arrivals();
      const { a1, a2 } = this.#unheard();
      const [one, other] = [delivered("e1") - this.#arrived.a1 - a1, delivered("e2") - this.#arrived.a2 - a2];
      if (one === 0 && other === 0) return;
      if (performance.now() > deadline) throw new Error(`of what was delivered ${one} and ${other} did not arrive`);
    }
  }

  async #arrivals(): Promise<Traffic["arrivals"]> {
    const all: Traffic["arrivals"][number][] = [];
    for (const site of ["a1", "a2"] as const) {
      const some = (await this.#ask(site, "arrivals")) as Arrival[];
      this.#arrived[site] += some.length;
      for (const arrival of some) all.push({ ...arrival, site });
    }
    return all;
  }

  #unheard(): Record<Site, number> {
    const of = (site: Site): number => {
      const text = execFileSync("nsenter", [`--net=/run/netns/${site}`, "cat", "/proc/net/snmp6"], {
        encoding: "utf8",
      });
      return Number(/^Udp6NoPorts\s+(\d+)$/m.exec(text)![1]);
    };
    return { a1: of("a1"), a2: of("a2") };
  }

  #counts(): Map<RouterName, Counts> {
    return new Map(ROUTERS.map((name) => [name, this.pass(name).counts()]));
  }

  #ask(place: string, question: unknown): Promise<unknown> {
    return answerOf(place, this.#children.get(place)!, () => this.#children.get(place)!.send(question as object));
  }

  async #spawn(place: Place, script: string, part?: object): Promise<void> {
    const words = [`--net=/run/netns/${place}`, process.execPath, join(import.meta.dirname, script)];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const stdio = ["ignore", "inherit", "inherit", "ipc"] as const;
    const child = spawn("nsenter", words, { stdio: [...stdio], serialization: "advanced", env });
    this.#children.set(place, child);
    const word = await answerOf(`${script} at ${place}`, child, () => part !== undefined && child.send(part));
    if (word !== "ready") throw new Error(`${script} at ${place} said ${word}`);
  }

  #build(): void {
    for (const place of PLACES) {
      execFileSync("ip", ["netns", "add", place]);
      // A neighbour that has no address yet when it is asked for is asked again a second later.
      const settings = ["all.keep_addr_on_down=1", "all.accept_dad=0", "default.accept_dad=0"];
      settings.push(`all.forwarding=${isHost(place) ? 0 : 1}`);
      this.#set(
        place,
        settings.map((setting) => `conf.${setting}`),
      );
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
    // Who has just come up and does not answer yet is asked again soon, instead of after a second.
    this.#set(
      "core",
      ROUTERS.map((name) => `neigh.${name}.retrans_time_ms=20`),
    );
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
    // else the kernel finds the way by core once the neighbour does not answer, some seconds later
    this.ip("i2", `route add unreachable ${LOCATOR.e1}/128 metric 4096`);
  }

  #set(place: Place, settings: readonly string[]): void {
    const words = settings.map((setting) => `net.ipv6.${setting}`);
    execFileSync("nsenter", [`--net=/run/netns/${place}`, "sysctl", "-qw", ...words]);
  }

  /** The client's routing goes to this ingress. */
  clientBy(ingress: "i1" | "i2"): void {
    this.ip("client", `route replace fd5e:3d00:1::/48 via 2001:db8:c:${ingress[1]}::2 src ${CLIENT}`);
  }

  async bfdUp(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (const name of ["i1", "i2"] as const)
      for (;;) {
        const { bfd } = await this.tell(name, { type: "state" });
        if (bfd.every((state) => state === "Up")) break;
        if (performance.now() > deadline) throw new Error(`BFD of ${name}: ${bfd.join()}`);
      }
  }

  /** Waits until a router gives nothing to a tunnel any more. */
  async isDown(router: RouterName, hop: number): Promise<void> {
    await until(() => !this.pass(router).isUp(hop), `${router}: a tunnel that is down`);
  }

  /** One end goes down, and its routes with it; the other loses its carrier. Returns a time at which it was so. */
  cut(one: Place, other: Place): number {
    this.ip(one, `link set ${other} down`);
    return now();
  }

  /**
   * Waits until the pass of a router without control plane takes another one for silent, which is no later than its last heartbeat
   * allows, in ticks of the kernel: nobody reads more of them, however often he looks.
   */
  async fallsSilent(router: RouterName, hop: number): Promise<void> {
    const most = ticksOf(HOLD);
    const isSilent = (): boolean => {
      const left = this.pass(router).vouchedFor(hop);
      if (left > most) throw new Error(`a heartbeat vouches for ${left} ticks, and may for ${most}`);
      return left < 0;
    };
    await until(isSilent, `${router}: another one falls silent`);
  }

  /** Waits until heartbeats are heard again. */
  async isHeard(router: RouterName, hop: number): Promise<void> {
    await until(() => this.pass(router).vouchedFor(hop) >= 0, `${router}: heartbeats`);
  }

  async mend(one: Place, other: Place): Promise<void> {
    const [, , prefix] = LINKS.find((ends) => ends.includes(one) && ends.includes(other))!;
    this.ip(one, `link set ${other} up`);
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
