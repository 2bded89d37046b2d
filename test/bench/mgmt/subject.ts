import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { milliseconds, Scope } from "../../../src/base/index.ts";
import { feedInstances } from "../../../src/daemon/instance-feed.ts";
import { agentsProvider } from "../../../src/daemon/live/agents.ts";
import { atRestart } from "../../../src/daemon/live/at-restart.ts";
import { indexes, knownCapabilities } from "../../../src/daemon/live/current.ts";
import { startupFile } from "../../../src/daemon/live/startup-file.ts";
import { startMemoryDataplane } from "../../../src/dataplane/index.ts";
import { Directory } from "../../../src/directory/index.ts";
import { Compiler, type Operation } from "../../../src/forwarding/index.ts";
import { openFolder, systemClock, systemRandom } from "../../../src/host/index.ts";
import { type Answer, openRouterManagement } from "../../../src/management/index.ts";
import { ListLog, TallyMetrics } from "../../sim/tally-metrics.ts";

/** Capabilities that the agents share. */
export const CAPABILITIES = 100;

/** The datastores of a router with what stands behind agents: directory, compiler and tables in memory. */
export interface Subject extends AsyncDisposable {
  agents(count: number): string;
  edit(document: string): Promise<void>;
  set(leaf: string, text: string): Promise<void>;
  validate(): Promise<void>;
  commit(): Promise<void>;
  rollback(back: number): Promise<void>;
  addAgent(number: number): Promise<void>;
  get(): Promise<void>;
  removeAgent(number: number): Promise<void>;
  /** Data path of an agent. */
  pathOf(number: number): string;
  /** Operations on the tables so far. */
  readonly operations: readonly Operation[];
  /** The tables have what the directory has. */
  settled(): Promise<void>;
}

const idOf = (number: number): string => `spiffe://example.net/acme/agent/a${number}`;
const pathOf = (number: number): string => `/semrd-router:router/semrd-agent:agents/agent[id='${idOf(number)}']`;

function agent(number: number): object {
  const capability = {
    name: `/bench/c${number % CAPABILITIES}`,
    "major-version": 1,
    address: `fd00:a::${(number >> 16).toString(16)}:${(number & 0xffff).toString(16)}`,
    port: 8080,
    weight: (number % 100) + 1,
    label: ["eu"],
  };
  return { id: idOf(number), tenant: "acme", capability: [capability] };
}

function value<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  throw new Error(answer.faults.map(({ path: where, message }) => `${where}: ${message}`).join("; "));
}

export async function openSubject(folder: string, agents: number): Promise<Subject> {
  const scope = new Scope();
  const file = path.join(folder, "semrd.json");
  const base = new URL("../../management/examples/r1.json", import.meta.url);
  const document = JSON.parse(await readFile(base, "utf8"));
  const router = document["semrd-router:router"];
  delete router["semrd-registration:registration"];
  delete router["semrd-agent:agents"];
  router["semrd-taxonomy:taxonomy"] = {
    revision: 1,
    capability: Array.from({ length: CAPABILITIES }, (_, i) => ({ name: `/bench/c${i}`, "major-version": 1 })),
  };
  router["semrd-dataplane:dataplane"] = { driver: "memory", "max-capabilities": 65_536 };
  await writeFile(file, JSON.stringify(document));
  const log = new ListLog();
  const management = scope.own(
    await openRouterManagement({
      startup: startupFile(file),
      ...{ folder, commits: await openFolder(path.join(folder, "commits")) },
      ...{ clock: systemClock, random: systemRandom, log },
    }),
  );
  const { engine } = management;
  const configuration = engine.initial.inUse;
  const parts = { clock: systemClock, log, metrics: new TallyMetrics() };
  const { domain, site, dataplane } = configuration;
  const driver = startMemoryDataplane(
    { ...{ domain: domain.prefix, locator: site.locator, ports: [] }, ...dataplane },
    { log },
  );
  const operations: Operation[] = [];
  const compiler = scope.own(
    new Compiler(
      {
        ...{ domain: domain.prefix, locator: site.locator, selector: site.selector, hashSeed: dataplane.hashSeed },
        ...{ tenants: indexes(configuration.tenants), familyCodes: configuration.taxonomy.familyCodes },
        ...{ transitionHold: milliseconds(1000), quarantine: milliseconds(1000) },
        limits: { capabilities: 65_536, groups: 4096, nextHops: 2 * agents + 4096 },
      },
      {
        ...parts,
        random: systemRandom,
        sink: {
          apply(wanted, generation) {
            operations.push(...wanted);
            driver.apply(wanted, generation);
          },
        },
      },
    ),
  );
  compiler.taxonomy(knownCapabilities(configuration));
  const directory = scope.own(new Directory({ perAgent: 256, perTenant: 1_000_000 }, parts));
  scope.own(feedInstances(compiler, directory));
  engine.attach([atRestart, agentsProvider({ directory, registrar: { forget: async () => {} }, clock: systemClock })]);
  const session = engine.openSession({ user: "bench", protocol: "cli", source: "bench", isRecovery: true });
  return {
    agents: (count) =>
      JSON.stringify({
        "semrd-router:router": { "semrd-agent:agents": { agent: Array.from({ length: count }, (_, i) => agent(i)) } },
      }),
    async edit(text) {
      value(await engine.edit(session, "candidate", text, { format: "json" }));
    },
    async set(leaf, text) {
      value(await engine.editSteps(session, "candidate", [{ operation: "merge", path: leaf, text }]));
    },
    async validate() {
      value(await engine.validate(session, "candidate"));
    },
    async commit() {
      value(await engine.commit(session));
    },
    async rollback(back) {
      value(await engine.rollback(session, back));
    },
    async addAgent(number) {
      const entry = agent(number);
      const step = { operation: "create", path: pathOf(number), value: JSON.stringify(entry) } as const;
      value(await engine.transact(session, [step]));
    },
    async removeAgent(number) {
      value(await engine.transact(session, [{ operation: "delete", path: pathOf(number) }]));
    },
    pathOf,
    async get() {
      value(await engine.get(session, "running", { format: "json" }));
    },
    operations,
    async settled() {
      while (compiler.pending > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}
