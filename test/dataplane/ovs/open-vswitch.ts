import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OvsDataplane } from "../../../src/dataplane/index.ts";
import { killed } from "../../host/child.ts";
import { isolated } from "../kernel/isolated.ts";

const SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema";
const PROGRAMS = ["/usr/sbin/ovsdb-server", "/usr/sbin/ovs-vswitchd", "/usr/bin/ovsdb-tool"];
const START_MS = 60_000;
/** How often the switch looks at what it has cached, instead of each 500 ms: tests wait for it. */
const REVALIDATE_OFTEN = "other_config:max-revalidator=100";

/** Why Open vSwitch cannot be tested here, `undefined` when it can. */
export function whyNoOpenVswitch(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const missing = [SCHEMA, ...PROGRAMS].find((file) => !existsSync(file));
  return missing === undefined ? undefined : `Open vSwitch is not installed (${missing}; Debian: openvswitch-switch)`;
}

/** `isolated`, for tests that need Open vSwitch and no BPF. */
export function isolatedWithOpenVswitch(file: string, setup: string, define: () => void | Promise<void>) {
  return isolated(file, setup, define, whyNoOpenVswitch);
}

/** An Open vSwitch of our own: database, switch and sockets in a folder that goes with it. No service of the host is touched. */
export class OpenVswitch implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "semr-ovs-"));
  #database: ChildProcess | undefined;
  #switch: ChildProcess | undefined;

  get socket(): string {
    return join(this.folder, "db.sock");
  }

  static async start(): Promise<OpenVswitch> {
    const started = new OpenVswitch();
    try {
      await started.#begin();
      return started;
    } catch (cause) {
      await started[Symbol.asyncDispose]();
      throw cause;
    }
  }

  async #begin(): Promise<void> {
    const file = join(this.folder, "conf.db");
    execFileSync("ovsdb-tool", ["create", file, SCHEMA]);
    this.#database = this.#run("ovsdb-server", [file, `--remote=punix:${this.socket}`]);
    await appears(this.folder, "db.sock");
    // The file is there a moment before anybody listens
    const patience = ["--retry", `--timeout=${START_MS / 1000}`];
    const words = ["--no-wait", "set", "Open_vSwitch", ".", REVALIDATE_OFTEN];
    execFileSync("ovs-vsctl", [`--db=unix:${this.socket}`, ...patience, "--no-wait", "init"]);
    execFileSync("ovs-vsctl", [`--db=unix:${this.socket}`, ...words]);
    await this.startSwitch();
  }

  async startSwitch(): Promise<void> {
    this.#switch = this.#run("ovs-vswitchd", [`unix:${this.socket}`, "--disable-system"]);
    await appears(this.folder, "ovs-vswitchd.ctl");
  }

  /** As a crash would end it. */
  async killSwitch(): Promise<void> {
    await end(this.#switch, "SIGKILL");
    rmSync(join(this.folder, "ovs-vswitchd.ctl"), { force: true });
  }

  /** What a tool of Open vSwitch says. */
  tool(name: "ovs-ofctl" | "ovs-vsctl" | "ovs-appctl", ...args: readonly string[]): string {
    const target = {
      "ovs-ofctl": ["-O", "OpenFlow15"],
      "ovs-vsctl": [`--db=unix:${this.socket}`],
      "ovs-appctl": ["-t", join(this.folder, "ovs-vswitchd.ctl")],
    }[name];
    return execFileSync(name, [...target, ...args], {
      encoding: "utf8",
      env: { ...process.env, OVS_RUNDIR: this.folder },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#switch, "SIGTERM");
    await end(this.#database, "SIGTERM");
    rmSync(this.folder, { recursive: true, force: true });
  }

  #run(program: string, args: readonly string[]): ChildProcess {
    const own = [
      `--pidfile=${join(this.folder, `${program}.pid`)}`,
      `--unixctl=${join(this.folder, `${program}.ctl`)}`,
    ];
    const log = ["-vconsole:off", "-vsyslog:off", `--log-file=${join(this.folder, `${program}.log`)}`, "-vfile:info"];
    return spawn(program, [...args, ...own, ...log], {
      env: { ...process.env, OVS_RUNDIR: this.folder },
      stdio: "ignore",
    });
  }
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child !== undefined) await killed(child, signal);
}

/**
 * Resolves when the driver has answered the packets that the switch had for it: they came before the switch's first answer to a
 * question, and what the driver sends out for them is carried out before the second.
 */
export async function answered(dataplane: OvsDataplane): Promise<void> {
  await dataplane.count();
  await dataplane.count();
}

/** Resolves when a file is there. */
export async function appears(folder: string, name: string): Promise<void> {
  const there = Promise.withResolvers<void>();
  const timer = setTimeout(() => there.reject(new Error(`${join(folder, name)} did not appear`)), START_MS);
  const watcher = watch(folder, () => {
    if (existsSync(join(folder, name))) there.resolve();
  });
  if (existsSync(join(folder, name))) there.resolve();
  try {
    await there.promise;
  } finally {
    clearTimeout(timer);
    watcher.close();
  }
}
