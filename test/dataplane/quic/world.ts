import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { semrctl } from "../../cli/in-process.ts";
import { firstLine, killed } from "../../host/child.ts";

const SRC = join(import.meta.dirname, "../../../src");
const LONGEST_MS = 60_000;

/**
 * A client behind a router, and two sites with two instances each:
 *
 *     client (fd00:c::10, fd00:c::11) ── r1 ─┬─ r2 ── s2 (fd00:a:2::10)
 *                                            └─ r3 ── s3 (fd00:a:3::10)
 */
const PLACES = ["client", "r1", "r2", "r3", "s2", "s3"] as const;
export type Place = (typeof PLACES)[number];
export type Router = "r1" | "r2" | "r3";
export type Site = "r2" | "r3";
const ROUTERS: readonly Router[] = ["r1", "r2", "r3"];
const LINKS: readonly (readonly [Place, Place, string])[] = [
  ["client", "r1", "fd00:c"],
  ["r1", "r2", "fd00:0:2"],
  ["r1", "r3", "fd00:0:3"],
  ["r2", "s2", "fd00:a:2"],
  ["r3", "s3", "fd00:a:3"],
];

export const SOURCES = ["fd00:c::10", "fd00:c::11"] as const;
/** The same instances serve both: datagrams of the first stay with their QUIC connection, of the second with their flow. */
export const CAPABILITIES = { moving: "/voice/call", staying: "/voice/chat" } as const;
export const SERVICE_PORT = 443;
const DOMAIN = "fd5e:3d00:1::/48";

/** An instance of `moving` and one of `staying`, at ports of their own. */
interface Agent {
  readonly name: string;
  readonly site: Site;
  readonly ports: { readonly moving: number; readonly staying: number };
}
export const AGENTS: readonly Agent[] = (["r2", "r3"] as const).flatMap((site) =>
  ["a", "b"].map((letter, i) => ({ name: `${site}${letter}`, site, ports: { moving: 4433 + i, staying: 4443 + i } })),
);
export const agentId = (name: string): string => `spiffe://example.net/acme/agent/${name}`;
const addressOf = (site: Site): string => `fd00:a:${site[1]}::10`;
/** Of the instance that serves `moving`. */
export const endpointOf = ({ site, ports }: Agent) => ({ address: addressOf(site), port: ports.moving });

export class QuicWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "st-quic-"));
  readonly #prefix = `st-qu-${process.pid}-`;
  readonly #children = new Set<ChildProcess>();
  readonly #modules: string;

  /** `modules`: where aioquic lies. */
  private constructor(modules: string) {
    this.#modules = modules;
  }

  static async start(modules: string): Promise<QuicWorld> {
    const world = new QuicWorld(modules);
    try {
      world.#build();
      for (const router of ROUTERS)
        writeFileSync(join(world.folder, `${router}.json`), JSON.stringify(configurationOf(router, world.folder)));
      await Promise.all(ROUTERS.map((router) => world.#startRouter(router)));
      return world;
    } catch (cause) {
      await world[Symbol.asyncDispose]();
      throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      await killed(child);
    }
    for (const router of ROUTERS) rmSync(pinsOf(router), { recursive: true, force: true });
    for (const place of PLACES)
      try {
        execFileSync("ip", ["netns", "del", this.#prefix + place], { stdio: "pipe" });
      } catch (cause) {
        if (!String(cause).includes("No such file")) throw cause;
      }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** semrctl. */
  async control(router: Router, ...words: readonly string[]): Promise<string> {
    const socket = join(this.folder, router, "semrd.sock");
    const { exitCode, out, err } = await semrctl(["--socket", socket, ...words]);
    if (exitCode !== 0) throw new Error(`semrctl ${words.join(" ")}: ${err}`);
    return out;
  }

  /** A program of this folder in Python, once it has said something. */
  async python(place: Place, script: string, ...words: readonly string[]): Promise<ChildProcess> {
    const [file, args] = this.#at(place, ["python3", join(import.meta.dirname, script), ...words]);
    const env = { ...process.env, PYTHONPATH: this.#modules };
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"], env });
    this.#children.add(child);
    return child;
  }

  /** Instances of an agent, with what the router calls each of them. */
  async serve({ name, site, ports }: Agent, serverId: (port: number) => string): Promise<void> {
    const certificate = [join(this.folder, "certificate.pem"), join(this.folder, "key.pem")];
    for (const port of Object.values(ports)) {
      const words = [addressOf(site), `${port}`, serverId(port), ...certificate, name];
      const server = await this.python(site === "r2" ? "s2" : "s3", "server.py", ...words);
      const word = await firstLine(server, `the instance ${name}`);
      if (word !== "ready") throw new Error(`the instance ${name} said ${word}`);
    }
  }

  async client(): Promise<Client> {
    return new Client(await this.python("client", "client.py", join(this.folder, "certificate.pem")));
  }

  async #startRouter(router: Router): Promise<void> {
    const words = [process.execPath, join(SRC, "main.ts"), "--config", join(this.folder, `${router}.json`)];
    const [file, args] = this.#at(router, words);
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#children.add(child);
    let said = "";
    const limit = setTimeout(() => child.kill("SIGKILL"), LONGEST_MS);
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout!, child.stderr!])
        stream.setEncoding("utf8").on("data", (text: string) => {
          said += text;
          if (said.includes("router.running")) resolve();
        });
      child.once("exit", () => reject(new Error(`${router} ended: ${said}`)));
    }).finally(() => clearTimeout(limit));
  }

  #at(place: Place, words: readonly string[]): [string, string[]] {
    return ["nsenter", [`--net=/run/netns/${this.#prefix}${place}`, ...words]];
  }

  #ip(place: Place, words: string): void {
    execFileSync("ip", ["-6", "-n", this.#prefix + place, ...words.split(" ")]);
  }

  #build(): void {
    for (const place of PLACES) {
      execFileSync("ip", ["netns", "add", this.#prefix + place]);
      const settings = ["all.accept_dad=0", "default.accept_dad=0", `all.forwarding=${place[0] === "r" ? 1 : 0}`];
      const [file, args] = this.#at(place, ["sysctl", "-qw", ...settings.map((one) => `net.ipv6.conf.${one}`)]);
      execFileSync(file, args);
      this.#ip(place, "link set lo up");
      mkdirSync(join(this.folder, place));
    }
    for (const [one, other, prefix] of LINKS) {
      const end = (place: Place, device: Place): string[] => ["name", device, "netns", this.#prefix + place];
      execFileSync("ip", ["link", "add", ...end(one, other), "type", "veth", "peer", ...end(other, one)]);
      const [hostOne, hostOther] = [
        one === "client" ? "10" : "1",
        other[0] === "s" ? "10" : one === "client" ? "1" : "2",
      ];
      this.#ip(one, `address add ${prefix}::${hostOne}/64 dev ${other} nodad`);
      this.#ip(other, `address add ${prefix}::${hostOther}/64 dev ${one} nodad`);
      this.#ip(one, `link set ${other} up`);
      this.#ip(other, `link set ${one} up`);
    }
    this.#ip("client", `address add ${SOURCES[1]}/64 dev r1 nodad`);
    this.#ip("client", "route add default via fd00:c::1");
    for (const router of ROUTERS) this.#ip(router, `address add fd00:ffff::${router[1]}/128 dev lo nodad`);
    for (const site of ["r2", "r3"] as const) {
      const number = site[1];
      this.#ip(site, `route add default via fd00:0:${number}::1`);
      this.#ip("r1", `route add fd00:ffff::${number}/128 via fd00:0:${number}::2`);
      this.#ip(number === "2" ? "s2" : "s3", `route add default via fd00:a:${number}::1`);
    }
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
        ...["-subj", "/CN=who.example.net", "-addext", "subjectAltName=DNS:who.example.net"],
        ...["-keyout", join(this.folder, "key.pem"), "-out", join(this.folder, "certificate.pem")],
      ],
      { stdio: "pipe" },
    );
  }
}

/** What came of a command. */
export interface Said {
  readonly connected?: true;
  readonly by?: readonly string[];
  readonly octets?: number;
  readonly lost?: string;
}

/** The client that moves: one command at a time. */
export class Client {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  async tell(...words: readonly (string | number)[]): Promise<Said> {
    this.#child.stdin!.write(`${words.join(" ")}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the client ended at ${words.join(" ")}`);
    return JSON.parse(value) as Said;
  }
}

function pinsOf(router: Router): string {
  return `/sys/fs/bpf/st-qu-${process.pid}-${router}`;
}

function configurationOf(router: Router, folder: string): unknown {
  const number = Number(router[1]);
  const locator = `fd00:ffff::${number}`;
  const neighbors = router === "r1" ? [2, 3] : [1];
  const port = (name: string, role: string) => ({ name, role, tenant: "acme" });
  const ports = router === "r1" ? [port("client", "client")] : [port(`s${number}`, "agent")];
  const core = router === "r1" ? ["r2", "r3"] : ["r1"];
  const capability = (name: string, affinity: string) => ({
    ...{ name, "major-version": 1, "service-port": SERVICE_PORT, protocol: "udp", affinity },
  });
  return {
    "semrd-router:router": {
      name: router,
      "router-id": `10.255.0.${number}`,
      domain: { "dns-zone": "example.net", prefix: DOMAIN },
      site: { selector: number, locator },
      "state-directory": join(folder, router),
      management: { "control-socket": join(folder, router, "semrd.sock") },
      "semrd-taxonomy:taxonomy": {
        revision: 1,
        capability: [capability(CAPABILITIES.moving, "connection"), capability(CAPABILITIES.staying, "flow")],
      },
      "semrd-tenant:tenants": {
        tenant: [
          {
            ...{ name: "acme", index: 1, "route-distinguisher": `0:65000:${number}` },
            // r1 is told when both sites' routes are there, so that it makes its groups of both
            ...{ "import-target": [router === "r1" ? "65000:9" : "65000:1"], "export-target": ["65000:1"] },
          },
        ],
      },
      "semrd-interface:interfaces": { interface: [...ports, ...core.map((name) => ({ name, role: "core" }))] },
      "semrd-agent:agents": {
        agent: AGENTS.filter(({ site }) => site === router).map(({ name, site, ports: at }) => ({
          ...{ id: agentId(name), tenant: "acme" },
          capability: (["moving", "staying"] as const).map((kind) => ({
            ...{ name: CAPABILITIES[kind], "major-version": 1, address: addressOf(site), port: at[kind] },
          })),
        })),
      },
      "semrd-bgp:bgp": {
        ...{ "local-as": 65000, address: locator, "connect-retry": 1 },
        neighbors: {
          neighbor: neighbors.map((one) => ({ address: `fd00:ffff::${one}`, "remote-as": 65000 })),
        },
      },
      "semrd-dataplane:dataplane": { driver: "kernel", "pin-directory": pinsOf(router), "tunnel-mtu": 1500 },
    },
  };
}
