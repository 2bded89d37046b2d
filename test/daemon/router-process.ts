import { type ChildProcess, spawn } from "node:child_process";
import { type EventEmitter, once } from "node:events";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { semrctlJson } from "../cli/in-process.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const SEMRD = path.join(ROOT, "tools", "semrd");
const START_TIMEOUT = 60_000;

/** A folder for the configuration, state and sockets of routers that are processes of their own. */
export class RouterFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** A router without neighbours and interfaces, so that it needs no namespace; `beside` is what else the document has. */
  configuration(
    name: string,
    changes: Readonly<Record<string, unknown>> = {},
    beside: Readonly<Record<string, unknown>> = {},
  ): object {
    return {
      ...beside,
      "semrd-router:router": {
        name,
        "router-id": "192.0.2.1",
        domain: { "dns-zone": "example.net", prefix: "fd5e:3d00:1::/48" },
        site: { selector: 1, locator: "fd00:ffff::1" },
        "state-directory": path.join(this.path, name),
        management: { "control-socket": path.join(this.path, `${name}.sock`) },
        "semrd-taxonomy:taxonomy": { revision: 1, capability: [{ name: "/vision/ocr", "major-version": 1 }] },
        "semrd-tenant:tenants": {
          tenant: [
            {
              name: "acme",
              index: 1,
              "route-distinguisher": "0:65000:1",
              "import-target": ["65000:1"],
              "export-target": ["65000:1"],
            },
          ],
        },
        "semrd-dataplane:dataplane": { driver: "memory" },
        "semrd-telemetry:telemetry": { prometheus: { enabled: false } },
        ...changes,
      },
    };
  }

  async written(name: string, content: unknown): Promise<string> {
    const file = path.join(this.path, `${name}.json`);
    await writeFile(file, typeof content === "string" ? content : JSON.stringify(content, undefined, 2));
    return file;
  }

  /** Starts semrd and resolves when it says that it runs: the file of its socket is there before anybody answers. */
  async started(name: string, content: object, through: readonly string[] = []): Promise<RouterProcess> {
    await this.written(name, content);
    return this.restarted(name, through);
  }

  /** As {@link RouterFolder.started}, with the file that is there. */
  async restarted(name: string, through: readonly string[] = []): Promise<RouterProcess> {
    const file = path.join(this.path, `${name}.json`);
    const [command, ...rest] = [...through, SEMRD, "--config", file];
    const child = spawn(command!, rest, { stdio: ["ignore", "pipe", "pipe"] });
    const router = new RouterProcess(child, path.join(this.path, `${name}.sock`));
    const kill = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT);
    try {
      await new Promise<void>((resolve, reject) => {
        child.stdout!.on("data", () => {
          if (router.log.includes('"event":"router.running"')) resolve();
        });
        child.once("close", () => reject(new Error(`semrd did not start:\n${router.log}`)));
      });
    } finally {
      clearTimeout(kill);
    }
    return router;
  }
}

/** semrd as a process, with its log. */
export class RouterProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly socket: string;
  log = "";

  constructor(child: ChildProcess, socket: string) {
    this.child = child;
    this.socket = socket;
    child.stdout!.setEncoding("utf8").on("data", (text) => (this.log += text));
    child.stderr!.setEncoding("utf8").on("data", (text) => (this.log += text));
  }

  ctl(...args: string[]): Promise<unknown> {
    return semrctlJson(this.socket, args);
  }

  /**
   * The first whole line of its log, behind so many characters, that matches, awaited: it comes through a pipe, maybe later than
   * an answer does.
   */
  async logged(pattern: RegExp, behind = 0): Promise<string> {
    const stop = AbortSignal.timeout(START_TIMEOUT);
    const { child } = this;
    for (;;) {
      const line = this.log
        .slice(behind)
        .split("\n")
        .slice(0, -1)
        .find((each) => pattern.test(each));
      if (line !== undefined) return line;
      if (stop.aborted || child.exitCode !== null || child.signalCode !== null)
        throw new Error(`nothing in its log matches ${pattern}:\n${this.log}`);
      const heard = new AbortController();
      const signal = AbortSignal.any([stop, heard.signal]);
      const next = (from: EventEmitter, event: string): Promise<unknown> =>
        once(from, event, { signal }).catch(() => {});
      await Promise.race([next(child.stdout!, "data"), next(child.stderr!, "data"), next(child, "close")]);
      heard.abort();
    }
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    this.child.kill(signal);
    const [code] = (await once(this.child, "exit")) as [number | null];
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs semrd until it ends by itself. */
export async function ended(args: readonly string[], through: readonly string[] = []): Promise<Ended> {
  const [command, ...rest] = [...through, SEMRD, ...args];
  const child = spawn(command!, rest, { stdio: ["ignore", "pipe", "pipe"] });
  const kill = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT);
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(kill);
  return { code, out, err };
}
