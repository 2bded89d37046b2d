import { expectEqual, expectThat, waitFor } from "../quickstart/story/check.ts";
import { type StoryContext, WIDTH, wrap } from "../quickstart/story/index.ts";
import { PROJECT, type RouterName } from "../quickstart/story/places.ts";
import { succeeded } from "../quickstart/story/requests.ts";
import type { Login, Tool } from "./tools.ts";

const USER = "operator";
const URL = "http://ocr.vision.cap.globex.example.net/healthz";
const AGENT = "spiffe://example.net/globex/agent/reader";
const PEER = "fd00:0:2::c";
/** The comment of each commit that a tool begins with. */
const BEFORE = "as before";
const CHANGED = ["r1", "r2"] as const;

export interface ToolFacts {
  readonly tool: string;
  /** What it printed, by router. */
  readonly said: Readonly<Record<string, readonly string[]>>;
  /** From the end of the tool to the client's first answer. */
  readonly answeredMilliseconds: number;
  readonly mistakes: readonly string[];
}

export interface OperatorsFacts {
  readonly turns: readonly ToolFacts[];
  /** Tools that are not here, and how to get them. */
  readonly skipped: Readonly<Record<string, string>>;
}

/** The same change by each tool on routers that run: a tenant, what it lets others use, an agent, a BGP peer. */
export class OperatorsStory {
  readonly #context: StoryContext;
  readonly #login: Login;

  /** @param authority who signed the routers' certificates, PEM */
  constructor(context: StoryContext, password: string, authority: string) {
    this.#context = context;
    this.#login = { host: "127.0.0.1", port: 830, user: USER, password, authority };
  }

  /** NETCONF and gNMI for somebody with a password who may do everything. */
  async letIn(passwordHash: string): Promise<void> {
    const listen = (port: number) => [{ address: "127.0.0.1", port }];
    const management = {
      "semrd-access:users": { user: [{ name: USER, "password-hash": passwordHash }] },
      "semrd-netconf:netconf": { ssh: { listen: listen(830) } },
      "semrd-grpc-server:grpc": {
        listen: listen(9339),
        tls: { "asymmetric-key": "router", certificate: "router" },
      },
    };
    const access = {
      groups: { group: [{ name: "operators", "user-name": [USER] }] },
      "rule-list": [{ name: "operators", group: ["operators"], rule: [{ name: "everything", action: "permit" }] }],
    };
    // The tools' turns are, of the one route, what damping is there to slow down.
    const advertisement = { damping: { "good-news-interval-ms": 100, "good-news-interval-maximum-ms": 100 } };
    const certificate = [{ name: "router", "certificate-file": "lab/cert.pem" }];
    const key = { name: "router", "private-key-file": "lab/key.pem", certificates: { certificate } };
    const keystore = { "asymmetric-keys": { "asymmetric-key": [key] } };
    const router = { "semrd-keystore:keystore": keystore, management, advertisement };
    const edit = JSON.stringify({ "semrd-router:router": router, "ietf-netconf-acm:nacm": access });
    for (const name of CHANGED) {
      await this.#config(name, edit, "edit", "-");
      await this.#config(name, "", "commit", "--comment", BEFORE);
    }
    this.#context.fact("r1 and r2: NETCONF and gNMI switched on while they run, for an operator with a password");
  }

  /** All tools that there are, and what they left in running is compared. */
  async tell(tools: readonly Tool[]): Promise<OperatorsFacts> {
    const { narrator } = this.#context;
    const skipped: Record<string, string> = {};
    const turns: (ToolFacts & { readonly running: readonly unknown[] })[] = [];
    const before = await this.#running(...CHANGED);
    const flaps = await this.#sessions();
    await this.#serves(false);
    for (const tool of tools) {
      const reason = tool.whyNot();
      narrator.heading(tool.name, turns.length + 1);
      if (reason !== undefined) {
        skipped[tool.name] = reason;
        narrator.quote([`skipped: ${reason}`]);
        continue;
      }
      turns.push(await this.#turn(tool));
      expectEqual("running after the rollback", await this.#running(...CHANGED), before);
      narrator.fact("rolled back");
    }
    expectEqual("sessions that were lost", await this.#sessions(), flaps);
    const [first, ...rest] = turns;
    for (const { tool, running } of rest)
      expectEqual(`what ${tool} left running, and what ${first!.tool} did`, running, first!.running);
    narrator.line();
    narrator.fact(`${turns.map(({ tool }) => tool).join(", ")}: the same configuration of r1 and r2 after each`);
    narrator.fact("no BGP session was touched");
    return { turns: turns.map(({ running: _, ...facts }) => facts), skipped };
  }

  /** One tool's turn; leaves the routers as they were. */
  async #turn(tool: Tool): Promise<ToolFacts & { readonly running: readonly unknown[] }> {
    const context = this.#context;
    const said: Record<string, readonly string[]> = {};
    for (const router of CHANGED) {
      said[router] = await tool.run(context, router, this.#login, router === "r2" ? ["change", "site"] : ["change"]);
      this.#quote(said[router].map((line) => `${router}: ${line}`));
    }
    const began = performance.now();
    await this.#serves(true);
    const answered = performance.now() - began;
    context.fact(`the client's first answer from globex's agent after ${tool.name} had ended`, answered);
    const agents = (await context.semrctl("r2", "show agents")).map(({ agent }) => agent);
    expectThat("r2 has the agent", agents.includes(AGENT), AGENT, agents);
    const peers = (await context.semrctl("r2", "show peers")).map(({ address }) => address);
    expectThat("r2 has the peer", peers.includes(PEER), PEER, peers);
    const running = await this.#running(...CHANGED);
    const mistakes = await tool.run(context, "r2", this.#login, ["mistakes"]);
    this.#quote(mistakes);
    expectEqual("running after five mistakes", await this.#running("r2"), running.slice(1));
    context.fact("five mistakes were refused, and changed nothing");
    for (const router of CHANGED) {
      const log = JSON.parse(await this.#config(router, "", "log")) as readonly { readonly comment?: string }[];
      await this.#config(router, "", "rollback", String(log.findIndex(({ comment }) => comment === BEFORE)));
      await this.#config(router, "", "commit", "--comment", BEFORE);
    }
    await this.#serves(false);
    return { tool: tool.name, said, answeredMilliseconds: answered, mistakes, running };
  }

  #quote(lines: readonly string[]): void {
    const folded = lines.flatMap((line) => (line.length <= WIDTH - 7 ? [line] : wrap(line, WIDTH - 7)));
    this.#context.narrator.quote(folded);
  }

  async #running(...routers: readonly RouterName[]): Promise<readonly unknown[]> {
    return await Promise.all(routers.map(async (router) => sorted(JSON.parse(await this.#config(router, "", "show")))));
  }

  #serves(wanted: boolean): Promise<true> {
    return waitFor(`${URL} ${wanted ? "answers" : "does not answer"}`, {
      within: 20_000,
      signal: this.#context.signal,
      look: async () => (succeeded(await this.#context.request("--max-time", "1", URL)) === wanted ? true : undefined),
    });
  }

  /** How often each router has lost each of the sessions that it had. */
  async #sessions(): Promise<readonly string[]> {
    const rows: string[] = [];
    for (const router of ["r1", "r2", "r3"] as const)
      for (const peer of await this.#context.semrctl(router, "show peers"))
        rows.push(`${router} ${peer.address} ${peer.flaps}`);
    return rows.sort();
  }

  async #config(router: RouterName, stdin: string, ...words: readonly string[]): Promise<string> {
    const argv = [`${PROJECT}/tools/semrctl`, "--socket", "/run/semrd/semrd.sock", "--json", "config", ...words];
    const done = await this.#context.lab.exec(router, argv, { stdin, signal: this.#context.signal });
    const said = (done.stderr || done.stdout).trim();
    expectThat(`${router}: semrctl config ${words.join(" ")}`, done.code === 0, "exit code 0", said);
    return done.stdout;
  }
}

/** Entries of lists that a system orders stand as they were made: two routers are compared without that. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}
