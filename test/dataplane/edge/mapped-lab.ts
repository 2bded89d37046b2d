import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { semrctl } from "../../cli/in-process.ts";
import { answered, killed } from "../../host/child.ts";

const execute = promisify(execFile);
const SRC = join(import.meta.dirname, "../../../src");

/**
 * Two routers with the kernel's data plane, and hosts that know IPv4 only beside hosts that know IPv6 only:
 *
 *     c4 (10.1.0.10) ─┐                    ┌─ a4 (10.2.0.10)
 *                     r1 ── fd00:0:1::/64 ── r2
 *     c6 (fd00:c::2) ─┘                    └─ a6 (fd00:a::10)
 */
export const PLACES = ["c4", "c6", "r1", "r2", "a4", "a6"] as const;
export type Place = (typeof PLACES)[number];
export type Router = "r1" | "r2";

export const DOMAIN = "fd5e:3d00:1::/48";
export const POOL = "198.18.0.0/24";
export const GUESTS = "198.19.0.0/24";
const PREFIXES = { r1: "fd00:64:1::/96", r2: "fd00:64:2::/96" } as const;

const CAPABILITIES = ["/vision/ocr", "/vision/scan", "/text/echo"].map((name) => ({
  name,
  "major-version": 1,
  "service-port": name === "/text/echo" ? 53 : 80,
  protocol: name === "/text/echo" ? "udp" : "tcp",
}));

export interface MappedOptions {
  readonly coreMtu: number;
}

export class MappedLab implements AsyncDisposable {
  readonly options: MappedOptions;
  readonly folder = mkdtempSync(join(tmpdir(), "st-edge-"));
  readonly #prefix = `st-ed-${process.pid}-`;
  readonly #children = new Set<ChildProcess>();
  readonly #routers = new Map<Router, { readonly child: ChildProcess; said: string }>();

  private constructor(options: MappedOptions) {
    this.options = options;
  }

  static async start(options: MappedOptions): Promise<MappedLab> {
    const lab = new MappedLab(options);
    try {
      lab.#build();
      await lab.#spawn("a4", join(import.meta.dirname, "mapped-agent.ts"));
      await lab.#spawn("a6", join(import.meta.dirname, "mapped-agent.ts"));
      for (const router of ["r1", "r2"] as const) {
        writeFileSync(lab.#configuration(router), JSON.stringify(configurationOf(router, lab.folder, options)));
        await lab.startRouter(router);
      }
      return lab;
    } catch (cause) {
      await lab[Symbol.asyncDispose]();
      throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) await this.#end(child, "SIGKILL");
    for (const router of ["r1", "r2"] as const) await this.#removePins(router);
    for (const place of PLACES)
      try {
        execFileSync("ip", ["netns", "del", this.namespace(place)], { stdio: "pipe" });
      } catch (cause) {
        if (!String(cause).includes("No such file")) throw cause;
      }
    rmSync(this.folder, { recursive: true, force: true });
  }

  namespace(place: Place): string {
    return this.#prefix + place;
  }

  async run(place: Place, ...words: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    try {
      const [file, args] = this.#at(place, words);
      return { code: 0, ...(await execute(file, args, { timeout: 60_000, maxBuffer: 1 << 26 })) };
    } catch (cause) {
      const failed = cause as { code: number | string; stdout: string; stderr: string };
      return { code: Number(failed.code), stdout: failed.stdout, stderr: `${failed.stderr}${String(cause)}` };
    }
  }

  launch(place: Place, ...words: readonly string[]): ChildProcess {
    const [file, args] = this.#at(place, words);
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#children.add(child);
    return child;
  }

  /** Runs semrctl against a router. */
  async control(router: Router, ...words: readonly string[]): Promise<string> {
    const socket = join(this.folder, router, "semrd.sock");
    const { exitCode, out, err } = await semrctl(["--socket", socket, ...words]);
    if (exitCode !== 0) throw new Error(`semrctl ${words.join(" ")}: ${err}${out}`);
    return out;
  }

  /** Gives `semrctl configure` the lines. */
  async configure(router: Router, ...lines: readonly string[]): Promise<void> {
    const socket = join(this.folder, router, "semrd.sock");
    const { exitCode, out, err } = await semrctl(["--socket", socket, "configure"], `${lines.join("\n")}\n`);
    if (exitCode !== 0) throw new Error(`semrctl configure: ${out}${err}`);
  }

  async startRouter(router: Router): Promise<void> {
    const child = this.launch(router, process.execPath, join(SRC, "main.ts"), "--config", this.#configuration(router));
    const running = { child, said: "" };
    this.#routers.set(router, running);
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => {
        running.said += text;
      });
    await this.#logged(router, "router.running");
  }

  /** When it has heard of everything again after a restart. */
  converged(router: Router): Promise<void> {
    return this.#logged(router, "router.converged");
  }

  async #logged(router: Router, event: string): Promise<void> {
    const running = this.#routers.get(router)!;
    const late = AbortSignal.timeout(60_000);
    while (!running.said.includes(event)) {
      const heard = new AbortController();
      const signal = AbortSignal.any([late, heard.signal]);
      const { child } = running;
      const next = [child.stdout!, child.stderr!].map((stream) => once(stream, "data", { signal }));
      try {
        await Promise.race([...next, once(child, "exit", { signal })]);
      } catch (cause) {
        throw new Error(`${router} did not say ${event}: ${running.said}`, { cause });
      } finally {
        heard.abort();
        await Promise.allSettled(next);
      }
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${router} ended: ${running.said}`);
    }
  }

  /** Ends a router as a crash does. */
  async killRouter(router: Router): Promise<void> {
    await this.#end(this.#routers.get(router)!.child, "SIGKILL");
  }

  async #end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    this.#children.delete(child);
    await killed(child, signal);
  }

  async #removePins(router: Router): Promise<void> {
    rmSync(pinsOf(router), { recursive: true, force: true });
  }

  #configuration(router: Router): string {
    return join(this.folder, `${router}.json`);
  }

  #at(place: Place, words: readonly string[]): [string, string[]] {
    return ["nsenter", [`--net=/run/netns/${this.namespace(place)}`, ...words]];
  }

  async #spawn(place: Place, script: string): Promise<void> {
    const [file, args] = this.#at(place, [process.execPath, script]);
    const child = spawn(file, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#children.add(child);
    const said = await answered(child);
    if (said !== "ready") throw new Error(`${script} at ${place} said ${said}`);
  }

  #ip(place: Place, words: string): void {
    execFileSync("ip", ["-n", this.namespace(place), ...words.split(" ")]);
  }

  #cable(one: Place, other: Place, mtu: number): void {
    execFileSync("ip", [
      ...["link", "add", "name", other, "mtu", `${mtu}`, "netns", this.namespace(one), "type", "veth"],
      ...["peer", "name", one, "mtu", `${mtu}`, "netns", this.namespace(other)],
    ]);
    this.#ip(one, `link set ${other} up`);
    this.#ip(other, `link set ${one} up`);
  }

  #build(): void {
    for (const place of PLACES) {
      execFileSync("ip", ["netns", "add", this.namespace(place)]);
      const forward = place === "r1" || place === "r2" ? 1 : 0;
      const [file, args] = this.#at(place, [
        ...["sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0"],
        ...[`net.ipv6.conf.all.forwarding=${forward}`, `net.ipv4.ip_forward=${forward}`],
        ...["net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"],
      ]);
      execFileSync(file, args);
      this.#ip(place, "link set lo up");
      mkdirSync(join(this.folder, place), { recursive: true });
    }
    this.#cable("c4", "r1", 1500);
    this.#cable("c6", "r1", 1500);
    this.#cable("r1", "r2", this.options.coreMtu);
    this.#cable("r2", "a4", 1500);
    this.#cable("r2", "a6", 1500);
    this.#ip("c4", "address add 10.1.0.10/24 dev r1");
    this.#ip("c4", "route add default via 10.1.0.1");
    this.#ip("c6", "address add fd00:c::2/64 dev r1 nodad");
    this.#ip("c6", "-6 route add default via fd00:c::1");
    this.#ip("r1", "address add 10.1.0.1/24 dev c4");
    this.#ip("r1", "address add fd00:c::1/64 dev c6 nodad");
    this.#ip("r1", "address add fd00:0:1::1/64 dev r2 nodad");
    this.#ip("r2", "address add fd00:0:1::2/64 dev r1 nodad");
    this.#ip("r2", "address add 10.2.0.1/24 dev a4");
    this.#ip("r2", "address add fd00:a::1/64 dev a6 nodad");
    this.#ip("a4", "address add 10.2.0.10/24 dev r2");
    this.#ip("a4", "route add default via 10.2.0.1");
    this.#ip("a6", "address add fd00:a::10/64 dev r2 nodad");
    this.#ip("a6", "-6 route add default via fd00:a::1");
    for (const [router, number, other] of [
      ["r1", 1, "r2"],
      ["r2", 2, "r1"],
    ] as const) {
      this.#ip(router, `address add fd00:ffff::${number}/128 dev lo nodad`);
      this.#ip(router, `-6 route add default via fd00:0:1::${3 - number} dev ${other}`);
      this.#own(router);
    }
  }

  /** As the README says: a veth pair to the router itself, and what is routed there. */
  #own(router: Router): void {
    this.#ip(router, "link add semr-own type veth peer name semr-own-far");
    const { address } = JSON.parse(
      execFileSync("ip", ["-n", this.namespace(router), "-j", "link", "show", "semr-own"], { encoding: "utf8" }),
    )[0] as { address: string };
    this.#ip(router, `link set semr-own-far address ${address} up`);
    this.#ip(router, "link set semr-own arp off up");
    this.#ip(router, `-6 route add ${DOMAIN} dev semr-own`);
    this.#ip(router, `-6 route add ${PREFIXES[router]} dev semr-own`);
    this.#ip(router, `route add ${POOL} dev semr-own`);
    this.#ip(router, `route add ${GUESTS} dev semr-own`);
  }
}

function pinsOf(router: Router): string {
  return `/sys/fs/bpf/st-ed-${process.pid}-${router}`;
}

function configurationOf(router: Router, folder: string, { coreMtu }: MappedOptions): unknown {
  const number = router === "r1" ? 1 : 2;
  const port = (name: string, role: string) => ({ name, role, tenant: "acme" });
  const edges =
    router === "r1" ? [port("c4", "client"), port("c6", "client")] : [port("a4", "agent"), port("a6", "agent")];
  const instance = (name: string, address: string, agentPort: number) => ({
    ...{ name, "major-version": 1, address, port: agentPort },
  });
  const agents =
    router === "r1"
      ? []
      : [
          {
            id: "spiffe://example.net/acme/agent/a6",
            tenant: "acme",
            capability: [instance("/vision/ocr", "fd00:a::10", 8080), instance("/text/echo", "fd00:a::10", 5353)],
          },
          {
            id: "spiffe://example.net/acme/agent/a4",
            tenant: "acme",
            // probed over IPv4, at the address that this stands for
            capability: [{ ...instance("/vision/scan", "fd00:64:2::10.2.0.10", 8080), "health-check": {} }],
          },
        ];
  return {
    "semrd-router:router": {
      name: router,
      "router-id": `10.255.0.${number}`,
      domain: { "dns-zone": "example.net", prefix: DOMAIN },
      site: { selector: number, locator: `fd00:ffff::${number}` },
      "state-directory": join(folder, router),
      management: { "control-socket": join(folder, router, "semrd.sock") },
      "semrd-taxonomy:taxonomy": { revision: 1, capability: CAPABILITIES },
      "semrd-tenant:tenants": {
        tenant: [
          {
            ...{ name: "acme", index: 1, "route-distinguisher": "0:65000:1" },
            ...{ "import-target": ["65000:1"], "export-target": ["65000:1"] },
          },
        ],
      },
      "semrd-interface:interfaces": {
        interface: [...edges, { name: router === "r1" ? "r2" : "r1", role: "core" }, port("semr-own-far", "own")],
      },
      "semrd-ipv4:ipv4": {
        prefix: PREFIXES[router],
        guests: GUESTS,
        pool: [{ tenant: "acme", prefix: POOL }],
      },
      "semrd-agent:agents": { agent: agents },
      "semrd-bgp:bgp": {
        ...{ "local-as": 65000, address: `fd00:ffff::${number}`, "connect-retry": 1 },
        neighbors: { neighbor: [{ address: `fd00:ffff::${3 - number}`, "remote-as": 65000 }] },
      },
      "semrd-discovery:discovery": {
        dns: { listen: [{ address: router === "r1" ? "10.1.0.1" : "fd00:a::1", port: 53 }] },
      },
      "semrd-dataplane:dataplane": { driver: "kernel", "pin-directory": pinsOf(router), "tunnel-mtu": coreMtu },
    },
  };
}
