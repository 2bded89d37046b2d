import { readFile } from "node:fs/promises";
import type {
  AgentRow,
  CapabilityRow,
  CountersReport,
  ExplainReport,
  FlowRecordRow,
  PacketReport,
  PeerRow,
  RouteRow,
  StatusReport,
} from "../../../src/management/index.ts";
import type { Lab } from "../../runner/index.ts";
import type { TokenIssuer } from "../material.ts";
import { expectThat, monotonicOf, waitFor } from "./check.ts";
import type { Narrator } from "./narrator.ts";
import { AGENTS, type Agent, agentNamed, OCR, OCR_URL, PROJECT, ROUTERS, type RouterName } from "./places.ts";
import { type Answer, Asker, request, requestMany, succeeded } from "./requests.ts";

/** What `semrctl --json` answers, by its words. */
interface Reports {
  readonly "show status": StatusReport;
  readonly "show agents": readonly AgentRow[];
  readonly "show capabilities": readonly CapabilityRow[];
  readonly "show routes": readonly RouteRow[];
  readonly "show peers": readonly PeerRow[];
  readonly "show counters": CountersReport;
  readonly explain: ExplainReport;
  readonly "explain packet": PacketReport;
  readonly "show flows": readonly FlowRecordRow[];
}

/** What the steps of the story work with: the lab, its people's tools, and what was seen so far. */
export class StoryContext {
  readonly lab: Lab;
  readonly issuer: TokenIssuer;
  readonly narrator: Narrator;
  readonly signal: AbortSignal;
  /** Requests that each agent has answered, by its name, over the whole story. */
  readonly served = new Map<string, number>();

  constructor(parts: {
    readonly lab: Lab;
    readonly issuer: TokenIssuer;
    readonly narrator: Narrator;
    readonly signal: AbortSignal;
  }) {
    this.lab = parts.lab;
    this.issuer = parts.issuer;
    this.narrator = parts.narrator;
    this.signal = parts.signal;
  }

  fact(text: string, milliseconds?: number): void {
    this.narrator.fact(text, milliseconds);
  }

  /** Runs a command in a node; any exit code but 0 is an error with what it said. */
  async run(node: string, ...argv: string[]): Promise<string> {
    const done = await this.lab.exec(node, argv, { signal: this.signal });
    const said = (done.stderr || done.stdout).trim();
    expectThat(`${node}: ${argv.join(" ")}`, done.code === 0, "exit code 0", `exit code ${done.code}: ${said}`);
    return done.stdout;
  }

  /** What `semrctl` says on a router. */
  async semrctl<Words extends keyof Reports>(
    router: RouterName,
    words: Words,
    ...args: string[]
  ): Promise<Reports[Words]> {
    const argv = [
      `${PROJECT}/tools/semrctl`,
      "--socket",
      "/run/semrd/semrd.sock",
      "--json",
      ...words.split(" "),
      ...args,
    ];
    return JSON.parse(await this.run(router, ...argv)) as Reports[Words];
  }

  /** What `semrctl --json show` has of it, over the same socket: for what is looked at often, a process of semrctl is long. */
  async #rows<Row>(router: RouterName, resource: string): Promise<readonly Row[]> {
    const url = `http://localhost/v1/${resource}`;
    const curl = ["curl", "--silent", "--show-error", "--fail", "--unix-socket", "/run/semrd/semrd.sock", url];
    return JSON.parse(await this.run(router, ...curl)) as readonly Row[];
  }

  /** Routes of the OCR capability on a router, by the router that they come from. */
  async ocrRoutes(router: RouterName): Promise<ReadonlyMap<string, RouteRow>> {
    const routes = await this.#rows<RouteRow>(router, `routes?capability=${encodeURIComponent(OCR)}`);
    const names = new Map<string, string>(Object.values(ROUTERS).map((known) => [known.routerId, known.name]));
    return new Map(routes.map((route) => [names.get(route.origin) ?? route.origin, route]));
  }

  /** One request of the client. */
  async request(...args: string[]): ReturnType<typeof request> {
    const answer = await request(this.lab, "client", args);
    this.count([answer]);
    return answer;
  }

  /** Many requests of the client, each over a connection of its own. */
  async requestMany(count: number, options: { readonly parallel: number; readonly url?: string }): Promise<Answer[]> {
    const answers = await requestMany(this.lab, "client", options.url ?? OCR_URL, count, options.parallel);
    this.count(answers);
    return answers;
  }

  count(answers: readonly Answer[]): void {
    for (const { agent } of answers.filter(succeeded)) {
      if (agent !== undefined) this.served.set(agent, (this.served.get(agent) ?? 0) + 1);
    }
  }

  /** A client that asks without a pause while `during` runs; gives all its answers. */
  async asking<T>(
    during: (asker: Asker) => Promise<T>,
  ): Promise<{ readonly result: T; readonly answers: readonly Answer[] }> {
    const asker = new Asker(this.lab, "client", OCR_URL);
    try {
      const result = await during(asker);
      return { result, answers: asker.answers };
    } finally {
      await asker[Symbol.asyncDispose]();
      this.count(asker.answers);
    }
  }

  /** Kills what a node runs with -9 and keeps it from being started again. Gives the moment, monotonic. */
  async kill(node: string): Promise<number> {
    await this.run(node, "touch", "/run/hold");
    const moment = performance.now();
    await this.run(node, "sh", "-c", "kill -9 $(cat /run/supervised.pid)");
    return moment;
  }

  /** Lets what was killed start again. */
  async revive(node: string): Promise<void> {
    await this.run(node, "rm", "-f", "/run/hold");
  }

  /** The row of an agent on its router. */
  async agentRow(agent: Agent): Promise<AgentRow | undefined> {
    const rows = await this.#rows<AgentRow>(agent.router, "agents");
    return rows.find((row) => row.agent === agent.id);
  }

  /** Waits until the router of an agent sees it in this state. */
  async agentState(agentName: string, state: AgentRow["state"], within: number): Promise<void> {
    const agent = agentNamed(agentName);
    let last: AgentRow | undefined;
    await waitFor(`${agent.name} is ${state} on ${agent.router}`, {
      within,
      signal: this.signal,
      seen: () => last,
      look: async () => {
        last = await this.agentRow(agent);
        return last?.state === state ? true : undefined;
      },
    });
  }

  /** Waits until a router has logged that an agent's health changed, after `since`. Gives the moment that it logged. */
  async healthEvent(agentName: string, event: "health.up" | "health.down", since: number): Promise<number> {
    const agent = agentNamed(agentName);
    return await waitFor(`${agent.router} logs ${event} of ${agent.name}`, {
      within: 20_000,
      signal: this.signal,
      look: async () => {
        const lines = (await readFile(this.lab.node(agent.router).logFile, "utf8")).split("\n");
        const moments = lines
          .filter((line) => line.startsWith("{") && line.includes(`"${event}"`))
          .map((line) => JSON.parse(line) as { readonly time: string; readonly agent?: string })
          .filter((entry) => entry.agent === agent.id)
          .map((entry) => monotonicOf(Date.parse(entry.time)));
        return moments.find((moment) => moment >= since);
      },
    });
  }

  /** Waits until every router has its sessions with the other two. */
  async sessions(within = 30_000): Promise<void> {
    for (const router of Object.keys(ROUTERS) as RouterName[]) {
      let last: unknown;
      await waitFor(`${router} has its BGP sessions`, {
        within,
        every: 100,
        signal: this.signal,
        seen: () => last,
        look: async () => {
          const peers = await this.#rows<PeerRow>(router, "peers");
          last = peers.map(({ description, state, lastError }) => ({ description, state, lastError }));
          return peers.length === 2 && peers.every((peer) => peer.state === "Established") ? true : undefined;
        },
      });
    }
  }

  /** Waits until all is as at the beginning: every agent up, every session established, every route fresh at r1. */
  async calm(within = 60_000): Promise<void> {
    const ocr = AGENTS.filter((agent) => agent.capability === OCR);
    for (const agent of AGENTS) await this.agentState(agent.name, "up", within);
    let last: unknown;
    await waitFor("r1 has the fresh routes of r2 and r3 again", {
      within,
      signal: this.signal,
      seen: () => last,
      look: async () => {
        const routes = await this.ocrRoutes("r1");
        last = [...routes].map(([origin, route]) => ({
          origin,
          status: route.status,
          stale: route.stale,
          weight: route.weight,
        }));
        const good = ["r2", "r3"].every((name) => {
          const route = routes.get(name);
          const weight = ocr.filter((agent) => agent.router === name).reduce((sum, agent) => sum + agent.weight, 0);
          return route !== undefined && !route.stale && route.status !== "excluded" && route.weight === weight;
        });
        return good ? true : undefined;
      },
    });
  }
}

/** What a step measured, for `--json`. */
export type Seen = Readonly<Record<string, unknown>>;

export interface StoryStep {
  readonly title: string;
  readonly run: (context: StoryContext) => Promise<Seen>;
}
