import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import {
  ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  loadPackageDefinition,
  Metadata,
} from "@grpc/grpc-js";
import type { Extension } from "../../../src/management/gnmi/messages.ts";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import { RouterFolder, type RouterProcess } from "../../daemon/router-process.ts";
import { cheapHash } from "../cheap-password.ts";
import { ADMINS } from "../nacm/admins.ts";
import { pair, stores } from "../stores.ts";

export const PASSWORD = "not so secret in a test";
/** Loopback addresses are many: each process takes one of its own, and the usual port. */
export const ADDRESS = `127.${128 + ((process.pid >> 16) & 63)}.${(process.pid >> 8) & 255}.${process.pid & 255}`;
export const PORT = 9339;

const run = promisify(execFile);
const WAIT = 60_000;

export interface GnmiRouter extends AsyncDisposable {
  readonly process: RouterProcess;
  readonly folder: string;
  readonly ca: Buffer;
  client(login?: Login): GnmiClient;
}

export interface Login {
  readonly username?: string;
  readonly password?: string;
  /** Files without ending of a certificate and its key in the folder. */
  readonly certificate?: { readonly cert: Buffer; readonly key: Buffer };
}

/** A certificate authority and what it signs, in a folder. */
export async function certificate(folder: string, name: string, options: readonly string[]): Promise<void> {
  const file = (ending: string): string => path.join(folder, `${name}.${ending}`);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file("key")];
  await run("openssl", ["req", "-x509", ...key, "-out", file("pem"), "-days", "30", ...options]);
}

/** Signed by the authority of the router's folder. */
export async function signed(
  router: Pick<GnmiRouter, "folder">,
  name: string,
  names?: string,
): Promise<{ cert: Buffer; key: Buffer }> {
  const file = (ending: string): string => path.join(router.folder, `${name}.${ending}`);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file("key")];
  const extension = names === undefined ? [] : ["-addext", `subjectAltName=${names}`];
  await run("openssl", ["req", ...key, "-out", file("csr"), "-subj", `/CN=${name}`, ...extension]);
  const ca = (ending: string): string => path.join(router.folder, `ca.${ending}`);
  const authority = ["-CA", ca("pem"), "-CAkey", ca("key"), "-CAcreateserial", "-copy_extensions", "copy"];
  await run("openssl", ["x509", "-req", "-in", file("csr"), ...authority, "-out", file("pem"), "-days", "30"]);
  return { cert: await readFile(file("pem")), key: await readFile(file("key")) };
}

/** semrd as a process of its own with gNMI and the memory data plane. */
export async function startGnmiRouter(
  grpc: Readonly<Record<string, unknown>> = {},
  changes: Readonly<Record<string, unknown>> = {},
  more: { readonly nacm?: object; readonly management?: object } = {},
): Promise<GnmiRouter> {
  const folder = await mkdtemp(path.join(tmpdir(), "semrd-gnmi-"));
  try {
    await certificate(folder, "server", ["-subj", "/CN=router", "-addext", `subjectAltName=IP:${ADDRESS}`]);
    await certificate(folder, "ca", ["-subj", "/CN=test authority"]);
    const routers = new RouterFolder(folder);
    const { tls, ...rest } = grpc as { readonly tls?: object };
    const hash = cheapHash(PASSWORD);
    const configuration = routers.configuration(
      "r1",
      {
        management: {
          "control-socket": path.join(folder, "r1.sock"),
          "semrd-access:users": {
            user: ["admin", "reader"].map((name) => ({ name, "password-hash": hash })),
          },
          "semrd-grpc-server:grpc": {
            listen: [{ address: ADDRESS, port: PORT }],
            tls: { ...pair("server"), ...tls },
            ...rest,
          },
          ...more.management,
        },
        ...stores({ pairs: { server: ["server.pem", "server.key"] }, bags: { operators: ["ca.pem"] } }),
        ...changes,
      },
      more.nacm === undefined ? ADMINS : { "ietf-netconf-acm:nacm": more.nacm },
    );
    const child = await routers.started("r1", configuration);
    const ca = await readFile(path.join(folder, "server.pem"));
    const clients: GnmiClient[] = [];
    return {
      ...{ process: child, folder, ca },
      client(login = { username: "admin", password: PASSWORD }) {
        const client = new GnmiClient(ca, login);
        clients.push(client);
        return client;
      },
      async [Symbol.asyncDispose]() {
        for (const client of clients) client.close();
        await child[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    throw cause;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: messages are what the loader makes of the .proto
export type Message = any;

export class GnmiClient {
  readonly client: Client & Record<string, (...args: unknown[]) => unknown>;
  readonly metadata = new Metadata();

  constructor(ca: Buffer, { username, password, certificate }: Login) {
    const { gnmi } = loadPackageDefinition(loadProto()) as Message;
    const credentials = ChannelCredentials.createSsl(ca, certificate?.key ?? null, certificate?.cert ?? null);
    this.client = new gnmi.gNMI(`${ADDRESS}:${PORT}`, credentials, { "grpc.max_receive_message_length": -1 });
    if (username !== undefined) this.metadata.set("username", username);
    if (password !== undefined) this.metadata.set("password", password);
  }

  call(method: "Capabilities" | "Get" | "Set", request: object): Promise<Message> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + WAIT;
      this.client[method]!(request, this.metadata, { deadline }, (cause: Error | null, answer: Message) =>
        cause === null ? resolve(answer) : reject(cause),
      );
    });
  }

  get(paths: readonly string[], more: object = {}): Promise<Message> {
    return this.call("Get", { path: paths.map(gnmiPath), encoding: "JSON_IETF", ...more });
  }

  /** The value of the only update. */
  async value(path: string, more: object = {}): Promise<unknown> {
    const { notification } = await this.get([path], more);
    return sentValue(notification[0].update[0]);
  }

  set(request: object): Promise<Message> {
    return this.call("Set", request);
  }

  subscribe(list: object, extension: readonly Partial<Extension>[] = []): Stream {
    const call = this.client.Subscribe!(this.metadata) as ClientDuplexStream<object, Message>;
    const stream = new Stream(call);
    call.write({ subscribe: { encoding: "JSON_IETF", ...list }, extension });
    return stream;
  }

  close(): void {
    this.client.close();
  }
}

/** What a subscription says, in order. */
export class Stream {
  readonly call: ClientDuplexStream<object, Message>;
  readonly responses: Message[] = [];
  error: (Error & { code: number; details: string }) | undefined;
  isOver = false;
  readonly #waiting = new Set<() => void>();

  constructor(call: ClientDuplexStream<object, Message>) {
    this.call = call;
    call.on("data", (response: Message) => {
      this.responses.push(response);
      for (const wake of this.#waiting) wake();
    });
    call.on("error", (cause: Error) => {
      this.error = cause as typeof this.error;
      this.isOver = true;
      for (const wake of this.#waiting) wake();
    });
    call.on("end", () => {
      this.isOver = true;
      for (const wake of this.#waiting) wake();
    });
  }

  get syncs(): number {
    return this.responses.filter(({ response }) => response === "sync_response").length;
  }

  /** Updates as path and value, deletes as path and undefined. */
  get leaves(): [string, unknown][] {
    return this.responses.flatMap(({ response, update }) => {
      if (response !== "update") return [];
      const gone = update.delete.map((path: Message) => [pathText(path), undefined]);
      return [...gone, ...update.update.map((leaf: Message) => [pathText(leaf.path), sentValue(leaf)])];
    });
  }

  async until(done: () => boolean, what: string): Promise<void> {
    const late = AbortSignal.timeout(WAIT);
    while (!done()) {
      if (this.error !== undefined) throw this.error;
      if (late.aborted)
        throw new Error(`${what} did not come; there are ${JSON.stringify(this.leaves).slice(0, 2000)}`);
      await this.#more(late);
    }
  }

  async over(): Promise<void> {
    const late = AbortSignal.timeout(WAIT);
    while (!this.isOver && !late.aborted) {
      await this.#more(late);
    }
    if (late.aborted) throw new Error("the stream does not end");
  }

  async #more(late: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#waiting.add(wake);
    late.addEventListener("abort", wake, { once: true });
    await promise;
    this.#waiting.delete(wake);
    late.removeEventListener("abort", wake);
  }

  synced(): Promise<void> {
    return this.until(() => this.syncs > 0, "sync_response");
  }

  has(path: string, value?: unknown): boolean {
    return this.leaves.some(
      ([p, v]) => p === path && (value === undefined || JSON.stringify(v) === JSON.stringify(value)),
    );
  }

  cancel(): void {
    this.call.cancel();
  }
}

/** `/a/b[k=v]/c` as a message; `]` in keys is escaped. */
export function gnmiPath(text: string): { origin: string; elem: { name: string; key: Record<string, string> }[] } {
  const elem = [...text.matchAll(/\/([^/[]+)((?:\[[^=\]]+=(?:\\.|[^\]\\])*\])*)/g)].map(([, name, predicates]) => {
    const keys = [...predicates!.matchAll(/\[([^=]+)=((?:\\.|[^\]\\])*)\]/g)];
    return { name: name!, key: Object.fromEntries(keys.map(([, k, v]) => [k!, v!.replace(/\\(.)/g, "$1")])) };
  });
  return { origin: "", elem };
}

/** The same back. */
export function pathText({ elem }: { elem: { name: string; key: Record<string, string> }[] }): string {
  return elem
    .map(
      ({ name, key }) =>
        `/${name}${Object.entries(key)
          .map(([k, v]) => `[${k}=${v.replace(/[\\\]]/g, "\\$&")}]`)
          .join("")}`,
    )
    .join("");
}

export function sentValue({ val }: Message): unknown {
  const value = val[val.value];
  return val.value === "json_ietf_val" || val.value === "json_val" ? JSON.parse(value.toString()) : value;
}

export const json = (value: unknown): object => ({ json_ietf_val: Buffer.from(JSON.stringify(value)) });

export const update = (path: string, value: unknown): object => ({ path: gnmiPath(path), val: json(value) });

/** What a call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<{ code: number; details: string }> {
  try {
    await call;
  } catch (cause) {
    return cause as { code: number; details: string };
  }
  throw new Error("it was not refused");
}
