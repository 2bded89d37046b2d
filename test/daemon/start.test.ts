import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { type Closeable, Scope } from "../../src/base/index.ts";
import { ALARM_TYPES } from "../../src/daemon/alarms/index.ts";
import { startupFile } from "../../src/daemon/live/index.ts";
import { beginning, startParts } from "../../src/daemon/start/index.ts";
import {
  systemClock as clock,
  openFolder,
  openLog,
  openStateDirectory,
  systemRandom as random,
} from "../../src/host/index.ts";
import { AlarmBook, loadConfiguration, openRouterManagement, type RestartControl } from "../../src/management/index.ts";
import { RouterFolder } from "./router-process.ts";

const where = await mkdtemp(path.join(tmpdir(), "semrd-start-"));
after(() => rm(where, { recursive: true }));
const folder = new RouterFolder(where);

/** A scope that notes what it was given and what it has closed, and fails after it was given `last`. */
class NotedScope extends Scope {
  readonly owned: string[] = [];
  readonly closed: string[] = [];
  readonly #last: string | undefined;

  constructor(last?: string) {
    super();
    this.#last = last;
  }

  override own<T extends Closeable>(thing: T): T {
    const name = `${this.owned.length} ${thing.constructor.name}`;
    this.defer(() => void this.closed.push(name));
    super.own(thing);
    this.owned.push(name);
    if (this.#last !== undefined && thing.constructor.name === this.#last) throw new Error(`no ${this.#last}`);
    return thing;
  }
}

const names = ({ owned }: NotedScope) => owned.map((name) => name.split(" ")[1]!).filter((name) => name !== "Object");

const restart: RestartControl = {
  ...{ pending: undefined, count: 0, last: undefined, cancel: () => false },
  order: async () => undefined,
};

/** A router with sessions but no neighbours; its parts are the scope's, which is closed where it does not start. */
async function started(name: string, port: number, scope: NotedScope): Promise<void> {
  const bgp = { "local-as": 65000, address: "::1", port };
  const file = await folder.written(name, folder.configuration(name, { "semrd-bgp:bgp": bgp }));
  const startup = await loadConfiguration(file);
  const log = scope.own(openLog({ level: "error" }));
  scope.own(await openStateDirectory(startup.stateDirectory));
  const commits = await openFolder(path.join(startup.stateDirectory, "commits"));
  const parts = { startup: startupFile(file), folder: where, commits, clock, random, log, durable: () => {} };
  const management = scope.own(await openRouterManagement(parts));
  const alarms = new AlarmBook(Object.values(ALARM_TYPES), clock);
  const configuration = management.engine.initial.inUse;
  const origin = () => ({ file, startup, commit: 0, folder: where });
  try {
    const begun = await beginning({ configuration, management, alarms, log, scope });
    await startParts(begun, { fixedLevel: true, origin, restart });
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "::1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Takes the address, which a speaker that listens would have. */
async function assertFree(port: number): Promise<void> {
  const server = createServer().listen(port, "::1");
  await once(server, "listening");
  server.close();
}

const descriptors = () => readdirSync("/proc/self/fd").length;

test("parts start in the order of the steps, and what was started last ends first", async () => {
  const port = await freePort();
  const scope = new NotedScope();
  await started("whole", port, scope);
  const tables = ["MemoryDriver", "Paths"];
  const decisions = ["RoutingInformationBase", "Directory", "Compiler", "ExecutorHealth"];
  const neighbors = ["Brownfield", "BfdMonitor"];
  const offers = ["Checker", "Watcher", "Origination", "Servers"];
  const watches = ["FlowRecordsSlot", "PolicyViolations", "CapabilityEvents", "SessionEvents", "Alarms"];
  assert.deepEqual(names(scope), [...tables, ...decisions, ...neighbors, ...offers, ...watches, "Operators"]);
  await scope[Symbol.asyncDispose]();
  assert.deepEqual(scope.closed, scope.owned.toReversed());
  await assertFree(port);
});

test("a router that does not start leaves nothing open, whichever part it was", async (t) => {
  const port = await freePort();
  let before: number | undefined;
  for (const last of ["Compiler", "BfdMonitor", "Operators"]) {
    const scope = new NotedScope(last);
    await assert.rejects(started("partly", port, scope), { message: `no ${last}` });
    assert.equal(names(scope).at(-1), last);
    assert.deepEqual(scope.closed, scope.owned.toReversed());
    await assertFree(port);
    before ??= descriptors();
    assert.equal(descriptors(), before, last);
    t.diagnostic(`${last}: ${scope.closed.length} closed`);
  }
});
