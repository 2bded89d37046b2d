/** ExaBGP, from Debian. */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { ask, type Daemon, daemon, type Lab, OURS, PORT, THEIRS } from "./lab.ts";

export const EXABGP = "/usr/sbin/exabgp";

/** A route of ours, as ExaBGP prints it. */
export interface Printed {
  readonly nextHop: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** One object of its stream, as far as it is looked at here. */
export interface Line {
  readonly type: string;
  readonly neighbor?: {
    readonly direction?: string;
    readonly state?: string;
    readonly reason?: string;
    readonly message?: Message;
    readonly notification?: Readonly<Record<"code" | "subcode" | "data", string | number>>;
    readonly negotiated?: Readonly<Record<string, unknown>>;
  };
}

interface Message {
  readonly category?: number;
  readonly body?: string;
  readonly eor?: object;
  readonly update?: {
    readonly attribute?: Readonly<Record<string, unknown>>;
    readonly announce?: Readonly<Record<string, Readonly<Record<string, readonly { readonly nlri: string }[]>>>>;
    readonly withdraw?: Readonly<Record<string, readonly { readonly nlri: string }[]>>;
  };
}

export interface ExaBgp extends Daemon {
  /** Routes that were announced, and not withdrawn, in this session. */
  known(): ReadonlyMap<string, Printed>;
  /** What it has printed so far, in order. */
  lines(): readonly Line[];
  /** Whether its session is up and it has read all that we say at the beginning of one, to our End-of-RIB. It must print updates. */
  heardOut(): boolean;
  /** A command of its API. */
  tell(command: string): void;
}

export interface ExaBgpOptions {
  /** Default: ours. */
  readonly localAs?: number;
  /** Statements about us, which are AS 65000; the process that writes down is called `heard`. */
  readonly terms: string;
  readonly routes?: readonly string[];
}

/** ExaBGP connects to us, says routes, writes down what it hears, and does what it is told. */
export async function exaBgp(t: TestContext, { theirs, where }: Lab, options: ExaBgpOptions): Promise<ExaBgp> {
  const at = (name: string): string => join(where, name);
  const start = ++starts;
  const [config, heard, orders] = [at("exabgp.conf"), at(`heard-${start}`), at(`orders-${start}`)];
  await ask(theirs, "mkfifo", orders);
  // Open for both, so that neither end waits for the other one. Its reader ends when this is closed.
  const pipe = openSync(orders, "r+");
  await writeFile(
    config,
    `process heard {
  run /bin/sh -c "cat ${orders} & exec cat >> ${heard}";
  encoder json;
}
neighbor ${OURS} {
  router-id 10.0.0.2;
  local-address ${THEIRS};
  local-as ${options.localAs ?? 65000};
  peer-as 65000;
  hold-time 30;
  ${options.terms}
  static {
${(options.routes ?? []).map((route) => `    route ${route};`).join("\n")}
  }
}
`,
  );
  const settings = [
    `exabgp_tcp_port=${PORT}`,
    "exabgp_daemon_user=root",
    "exabgp_log_level=CRIT",
    "exabgp_api_ack=false",
  ];
  const stream = new Stream(heard);
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(pipe);
    isOpen = false;
  };
  const process = daemon(t, theirs, ["env", ...settings, EXABGP, config]);
  // After the process, which would start its helper again.
  t.after(close);
  return {
    ...process,
    kill: async (signal) => {
      await process.kill(signal);
      close();
    },
    tell: (command) => void writeSync(pipe, `${command}\n`),
    lines: () => stream.read(),
    heardOut: () => heardOut(stream.read()),
    known: () => known(stream.read()),
  };
}

let starts = 0;

/** A file to which somebody else appends lines of JSON. What is not a whole line yet is left for the next time. */
class Stream {
  readonly #path: string;
  readonly #lines: Line[] = [];
  readonly #decoder = new TextDecoder();
  readonly #buffer = new Uint8Array(1 << 16);
  #offset = 0;
  #rest = "";

  constructor(path: string) {
    this.#path = path;
    closeSync(openSync(path, "a"));
  }

  read(): readonly Line[] {
    const file = openSync(this.#path, "r");
    for (;;) {
      const length = readSync(file, this.#buffer, 0, this.#buffer.length, this.#offset);
      if (length === 0) break;
      this.#offset += length;
      this.#rest += this.#decoder.decode(this.#buffer.subarray(0, length), { stream: true });
    }
    closeSync(file);
    const lines = this.#rest.split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#lines.push(JSON.parse(escaped(line)));
    return this.#lines;
  }
}

/** The reason why a session went down has a NOTIFICATION's octets in it as they came. */
const escaped = (line: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  line.replaceAll(/[\x00-\x1f]/g, (octet) => `\\u${octet.charCodeAt(0).toString(16).padStart(4, "0")}`);

function heardOut(lines: readonly Line[]): boolean {
  const latest = lines.findLastIndex(({ neighbor }) => neighbor?.state !== undefined);
  if (lines[latest]?.neighbor?.state !== "up") return false;
  return lines.slice(latest).some(({ neighbor }) => neighbor?.message?.eor !== undefined);
}

function known(lines: readonly Line[]): Map<string, Printed> {
  const routes = new Map<string, Printed>();
  for (const { neighbor } of lines) {
    if (neighbor?.state === "down" || neighbor?.state === "connected") routes.clear();
    const update = neighbor?.message?.update;
    for (const [nextHop, nlri] of Object.values(update?.announce ?? {}).flatMap((hops) => Object.entries(hops)))
      for (const { nlri: prefix } of nlri) routes.set(prefix, { nextHop, attributes: update?.attribute ?? {} });
    for (const { nlri: prefix } of Object.values(update?.withdraw ?? {}).flat()) routes.delete(prefix);
  }
  return routes;
}
