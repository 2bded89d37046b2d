// How many leaves a second a subscription ONCE gets, and how late ON_CHANGE is: node_modules/.bin/node test/bench/mgmt/gnmi.ts [rows]
// The rows are made up, so that it is gNMI which is measured. The reader of ONCE is in this process, those of ON_CHANGE in another.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { ChannelCredentials, type ClientDuplexStream, loadPackageDefinition, Metadata } from "@grpc/grpc-js";
import { loadNative } from "../../../native/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { Arbiter, startGnmi } from "../../../src/management/gnmi/index.ts";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import {
  hashPassword,
  type Management,
  openProtocolSchema,
  type Path,
  type Session,
  StateBook,
  type StateChanged,
  type StateRow,
  UserBook,
} from "../../../src/management/index.ts";
import { certificate, gnmiPath } from "../../management/gnmi/gnmi-router.ts";
import { openAccess } from "../../management/nacm/admins.ts";
import { ListLog, TallyMetrics } from "../../sim/tally-metrics.ts";

const READERS = fileURLToPath(new URL("./gnmi-readers.ts", import.meta.url));
const ROWS = Number(process.argv[2] ?? 50_000);
const SUBSCRIBERS = 20;
const CHANGES_PER_SECOND = 1_000;
const SECONDS = 5;
const PASSWORD = "bench";

const TABLE: Path = [
  { name: "semrd-router:router" },
  { name: "semrd-rib:ribs" },
  { name: "semrd-rib:rib" },
  { name: "semrd-rib:capability-path" },
];

const rowPath = (number: number): Path => [
  ...TABLE.slice(0, 2),
  { name: "semrd-rib:rib", keys: { name: "capability" } },
  {
    name: "semrd-rib:capability-path",
    keys: { route: `route-${number}`, peer: "fd00:ffff::2", "path-id": "0" },
  },
];

/** Of the machine's monotonic clock, which is the same for the readers' process. */
const microseconds = (): number => Number(process.hrtime.bigint() / 1000n);
const changed = new Map<number, number>();

/** `isBulk`, as the tables of routes are. */
function* rows(wanted: Path): Generator<StateRow> {
  const one = wanted.at(-1)?.keys?.route;
  const first = one === undefined ? 0 : Number(one.slice("route-".length));
  const end = one === undefined ? ROWS : first + 1;
  for (let number = first; number < end; number++)
    yield { path: rowPath(number), value: { subject: `/bench/c${changed.get(number) ?? 0}`, status: "selected" } };
}

const watches = new Set<StateChanged>();
const tell: StateChanged = (at) => {
  for (const watch of watches) watch(at);
};

const session: Session = { id: 1, user: "admin", protocol: "gnmi", source: "bench" };
/** No configuration: rows are what is measured. */
const management = {
  openSession: () => session,
  closeSession: async () => undefined,
  subscribe: () => ({ [Symbol.dispose]: () => undefined }),
  get: async () => ({ ok: true, value: { text: "{}", transactionId: "1" } }),
  pendingCommit: () => undefined,
} as unknown as Management;

const folder = await mkdtemp(path.join(tmpdir(), "semrd-bench-"));
try {
  await certificate(folder, "server", ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
  const users = new UserBook();
  users.replace([{ name: "admin", authorizedKeys: [], passwordHash: await hashPassword(PASSWORD) }]);
  const state = new StateBook(systemClock);
  state.add({
    path: TABLE,
    isBulk: true,
    rows,
    watch(told) {
      watches.add(told);
      return { [Symbol.dispose]: () => void watches.delete(told) };
    },
  });
  const tls = { certificateFile: path.join(folder, "server.pem"), keyFile: path.join(folder, "server.key") };
  const context = await openProtocolSchema(loadNative().yang);
  const server = await startGnmi(
    { listen: [{ address: "127.0.0.1", port: 0 }], tls, maxStreams: 64, maxMessage: 1 << 20 },
    {
      ...{ management, state, users, context, access: openAccess() },
      ...{ clock: systemClock, log: new ListLog(), metrics: new TallyMetrics() },
      tokens: { judge: async () => ({ ok: false, reason: "none here" }) },
      arbiter: new Arbiter(),
      control: { version: "0", handlers: () => assert.fail("nobody asks for them") },
      restart: { pending: undefined, count: 0, last: undefined, order: async () => "not here", cancel: () => false },
    },
  );
  const { gnmi } = loadPackageDefinition(loadProto()) as never as { gnmi: { gNMI: new (...args: unknown[]) => never } };
  const credentials = ChannelCredentials.createSsl(await readFile(tls.certificateFile));
  const metadata = new Metadata();
  metadata.set("username", "admin");
  metadata.set("password", PASSWORD);
  type Call = ClientDuplexStream<
    object,
    { response: string; update: { update: { val: { json_ietf_val: Buffer } }[] } }
  >;
  const client = new gnmi.gNMI(`localhost:${server.ports[0]}`, credentials) as {
    Subscribe(m: Metadata): Call;
    close(): void;
  };
  const subscribe = (list: object): Call => {
    const call = client.Subscribe(metadata);
    call.write({ subscribe: { encoding: "JSON_IETF", ...list } });
    return call;
  };
  const stall = monitorEventLoopDelay({ resolution: 1 });

  const whole = async (): Promise<number> => {
    let leaves = 0;
    const call = subscribe({ mode: "ONCE", subscription: [{ path: gnmiPath("/router/ribs") }] });
    for await (const { response, update } of call) if (response === "update") leaves += update.update.length;
    return leaves;
  };
  await whole();
  stall.enable();
  const cpu = process.cpuUsage();
  const begun = microseconds();
  const leaves = await whole();
  const took = (microseconds() - begun) / 1e6;
  const used = process.cpuUsage(cpu);
  stall.disable();
  const cpuSeconds = (used.user + used.system) / 1e6;
  console.log(
    `ONCE: ${leaves} leaves, ${Math.round(leaves / took)} leaves/s (${Math.round(leaves / cpuSeconds)} per CPU second, reader included)`,
  );
  console.log(`ONCE: longest turn of the event loop ${(stall.max / 1e6).toFixed(1)} ms, reader included`);

  const readers = spawn(
    process.execPath,
    [READERS, String(server.ports[0]), tls.certificateFile, String(SUBSCRIBERS)],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  readers.stdout.setEncoding("utf8");
  await once(readers.stdout, "data");
  const total = CHANGES_PER_SECOND * SECONDS;
  const from = microseconds();
  /** Changes before this are for warming up. */
  const warm = from + 1e6;
  for (let number = 0; number < total; ) {
    const due = Math.min(total, Math.floor(((microseconds() - from) / 1e6) * CHANGES_PER_SECOND));
    for (; number < due; number++) {
      changed.set(number % ROWS, microseconds());
      tell(rowPath(number % ROWS));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  readers.stdin.end(String(warm));
  const [told] = (await once(readers.stdout, "data")) as [string];
  console.log(`ON_CHANGE: ${total} changes at ${CHANGES_PER_SECOND}/s, ${SUBSCRIBERS} subscribers: ${told.trim()}`);
  client.close();
  await server[Symbol.asyncDispose]();
  await context[Symbol.asyncDispose]();
} finally {
  await rm(folder, { recursive: true, force: true });
}
