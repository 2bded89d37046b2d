import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Duplex, duplexPair } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { loadNative } from "../../../../native/index.ts";
import { milliseconds } from "../../../../src/base/index.ts";
import { systemClock } from "../../../../src/host/index.ts";
import { answered, EventLog } from "../../../../src/management/index.ts";
import { NetconfServer } from "../../../../src/management/netconf/server.ts";
import { CommitStore, openEngine } from "../../../../src/management/transaction/index.ts";
import { XPathEvaluator } from "../../../../src/management/xpath/index.ts";
import { YangModel } from "../../../../src/management/yang/model.ts";
import { PROTOCOL_MODULES, searchPaths } from "../../../../src/management/yang/schema.ts";
import { createMetrics } from "../../../../src/telemetry/index.ts";
import { openAccess } from "../../nacm/admins.ts";
import { MemoryFiles, silent } from "../../transaction/world.ts";
import { RawClient } from "../raw-client.ts";

/** A server with the module of this folder and nothing in it. */
export interface Subject extends AsyncDisposable {
  open(): Promise<RawClient>;
}

const NETCONFD = "/usr/sbin/netconfd";
const SUBSYSTEM = "/usr/sbin/netconf-subsystem";
const STARTED_WITHIN = 60_000;

/** Why there is nothing to compare with. */
export const whyNoNetconfd = (): string | undefined =>
  existsSync(NETCONFD) && existsSync(SUBSYSTEM) ? undefined : `there is no ${NETCONFD} (apt-get install netconfd)`;

/** Our server over this module alone, in this process. */
export async function ours(): Promise<Subject> {
  const stack = new AsyncDisposableStack();
  const { yang } = loadNative();
  const folders = [import.meta.dirname, ...searchPaths()];
  const own = [{ name: "semrd-orchard" }, ...PROTOCOL_MODULES];
  const xpath = stack.use(new XPathEvaluator({ searchPaths: folders, clock: systemClock }));
  const model = await YangModel.open(stack.use(await yang.createContext(folders, own)), { xpath });
  const context = stack.use(await yang.createContext(folders, own));
  let startup = "{}";
  const file = {
    path: "startup.json",
    read: async () => ({ text: startup, digest: startup }),
    write: async (text: string) => {
      startup = text;
      return text;
    },
  };
  const opened = await openEngine<undefined, undefined>({
    ...{ model, startup: file, clock: systemClock, log: silent, isSecret: () => false },
    binder: {
      bind: async () => answered(undefined),
      begin: async () => undefined,
      change: async () => answered({ after: undefined, change: undefined }),
    },
    store: await CommitStore.open(new MemoryFiles(), "orchard", silent),
  });
  if (!opened.ok) throw new Error(opened.faults[0]!.message);
  const management = stack.use(opened.value);
  management.attach([]);
  const limits = { maxMessage: 2 ** 20, helloTimeout: milliseconds(30_000) };
  const server = new NetconfServer(
    { limits, maxSessions: 16, contentId: "0" },
    {
      ...{ management, context, xpath, access: openAccess(), events: new EventLog(systemClock) },
      ...{ clock: systemClock, log: silent, metrics: createMetrics() },
    },
  );
  stack.defer(() => server.close());
  return {
    async open() {
      const [client, end] = duplexPair();
      void server.serve(end, { user: "root", source: "127.0.0.1 port 1", transport: "ssh" });
      return RawClient.on(client, () => client.destroy());
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

/** netconfd of yuma123, and for each session the program that sshd would start. */
export async function netconfd(): Promise<Subject> {
  const folder = await mkdtemp(path.join(tmpdir(), "semrd-differential-"));
  const socket = path.join(folder, "ncx.sock");
  const options = [
    "--superuser=root",
    "--access-control=off",
    "--no-startup",
    "--target=candidate",
    "--with-startup=true",
  ];
  const modules = [`--modpath=${import.meta.dirname}:/usr/share/yuma/modules`, "--module=semrd-orchard"];
  const where = [`--ncxserver-sockname=${socket}`, `--log=${path.join(folder, "log")}`];
  const env = { ...process.env, HOME: folder, USER: "root", SSH_CONNECTION: "127.0.0.1 1111 127.0.0.1 830" };
  const child = spawn(NETCONFD, [...where, ...options, ...modules], { stdio: "ignore", env, cwd: folder });
  const close = async (): Promise<void> => {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await reached(socket);
  } catch (cause) {
    await close();
    throw cause;
  }
  return {
    async open() {
      const program = spawn(SUBSYSTEM, [`--ncxserver-sockname=830@${socket}`], {
        stdio: ["pipe", "pipe", "ignore"],
        env,
      });
      const stream = Duplex.from({ readable: program.stdout, writable: program.stdin });
      stream.on("error", () => undefined);
      return RawClient.on(stream, () => program.kill("SIGKILL"));
    },
    [Symbol.asyncDispose]: close,
  };
}

/** The file of a socket is there before anybody listens, and says nothing when somebody does. */
async function reached(file: string): Promise<void> {
  for (const late = AbortSignal.timeout(STARTED_WITHIN); !late.aborted; await pause(50)) {
    const there = await new Promise((resolve) => {
      const socket = connect(file);
      socket.once("connect", () => resolve(socket.destroy()));
      socket.once("error", () => resolve(undefined));
    });
    if (there !== undefined) return;
  }
  throw new Error(`netconfd does not listen on ${file}`);
}
