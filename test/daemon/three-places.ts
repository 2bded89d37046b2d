import { execFile } from "node:child_process";
import { readdir, rmdir, unlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Addresses of client and agent. */
export const AT = {
  acme: "fd00:c:1::10",
  beta: "fd00:c:2::10",
  elsewhere: "fd00:c:9::66",
  agent: "fd00:a::10",
} as const;
export type Place = "router" | "client" | "agent";

/** client – router – agent, with three sources at the client. */
export class Network implements AsyncDisposable {
  readonly #prefix: string;

  /** `name`: another one for each test. */
  constructor(name: string) {
    this.#prefix = `st-${name}-${process.pid}-`;
  }

  async build(): Promise<void> {
    for (const place of ["router", "client", "agent"] as const) {
      await run("ip", ["netns", "add", this.#name(place)]);
      const forwarding = `net.ipv6.conf.all.forwarding=${place === "router" ? 1 : 0}`;
      await this.at(place, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", forwarding);
      await this.#ip(place, "link set lo up");
    }
    for (const [place, device] of [
      ["client", "c0"],
      ["agent", "a0"],
    ] as const) {
      const ends = ["link", "add", "name", device, "netns", this.#name("router"), "type", "veth"];
      await run("ip", [...ends, "peer", "name", "up0", "netns", this.#name(place)]);
      await this.#ip("router", `link set ${device} up`);
      await this.#ip(place, "link set up0 up");
    }
    await this.#ip("router", "address add fd00:c::1/32 dev c0 nodad");
    await this.#ip("router", "address add fd00:a::1/64 dev a0 nodad");
    for (const source of [AT.acme, AT.beta, AT.elsewhere])
      await this.#ip("client", `address add ${source}/32 dev up0 nodad`);
    await this.#ip("client", "route add default via fd00:c::1");
    await this.#ip("agent", `address add ${AT.agent}/64 dev up0 nodad`);
    await this.#ip("agent", "route add default via fd00:a::1");
  }

  #name(place: Place): string {
    return this.#prefix + place;
  }

  inside(place: Place): string[] {
    return ["nsenter", `--net=/run/netns/${this.#name(place)}`];
  }

  async at(place: Place, ...words: string[]): Promise<string> {
    const [command, ...rest] = [...this.inside(place), ...words];
    return (await run(command!, rest, { timeout: 60_000 })).stdout;
  }

  #ip(place: Place, words: string): Promise<string> {
    return this.at(place, "ip", "-6", ...words.split(" "));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const place of ["router", "client", "agent"] as const)
      await run("ip", ["netns", "del", this.#name(place)]).catch(() => undefined);
  }
}

/** Pins keep what they pin: the programs go with the namespace, the tables here. */
export async function removePins(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) await removePins(name);
    else await unlink(name);
  }
  await rmdir(folder).catch(() => undefined);
}
