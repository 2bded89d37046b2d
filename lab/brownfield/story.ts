import type { ExplainReport, PeerRow, RouteRow } from "../../src/management/index.ts";
import { expectEqual, expectThat, waitFor } from "../quickstart/story/check.ts";
import { Capture, isTunnelled, type Narrator } from "../quickstart/story/index.ts";
import { type Answer, Asker, countByAgent, request, requestMany, succeeded } from "../quickstart/story/requests.ts";
import type { Lab } from "../runner/index.ts";
import { FOREIGN, type ForeignName, foreignWords, type Role } from "./foreign.ts";

const UPPER = "/text/upper";
const URL = "http://upper.text.cap.acme.example.net/";
const ROUTERS = ["r1", "r2", "r3"] as const;
const ORIGINS: Readonly<Record<string, string>> = { "10.255.0.2": "r2", "10.255.0.3": "r3" };
/** r2's agent has twice the weight of r3's. */
const SHARE = { "upper-a": 2 / 3, "upper-b": 1 / 3 };
const REQUESTS = 60;
const PLAIN_REQUESTS = 20;

export interface BrownfieldFacts {
  readonly peer: ForeignName;
  readonly role: Role;
  /** What x printed about our routes. */
  readonly said: readonly { readonly command: string; readonly lines: readonly string[] }[];
  readonly answers: Readonly<Record<string, number>>;
  /** Packets on the wire between r1 and x, by their outer destination. */
  readonly tunnelled: Readonly<Record<string, number>>;
  /** Answers to a client at x, which knows no capability router either; absent where x does not forward by BGP. */
  readonly plain?: { readonly answers: Readonly<Record<string, number>>; readonly routes: readonly string[] };
  /** Requests from the death of r2's process until its session with x was there again, none of which failed. */
  readonly restart: { readonly answered: number; readonly sessionMilliseconds: number };
  readonly agentDied: Failover;
  readonly siteLost: Failover;
}

interface Failover {
  /** Until r1 had no route of the site any more. */
  readonly withdrawnMilliseconds: number;
  /** Requests that failed until then, and since. */
  readonly failed: number;
  readonly failedLater: number;
  readonly answeredLater: number;
}

/** Capability requests through a router that knows nothing of capabilities. Everything that is printed has been checked. */
export class BrownfieldStory {
  readonly #lab: Lab;
  readonly #narrator: Narrator;
  readonly #signal: AbortSignal;
  readonly #peer: ForeignName;
  readonly #role: Role;

  constructor(lab: Lab, peer: ForeignName, role: Role, narrator: Narrator, signal: AbortSignal) {
    this.#lab = lab;
    this.#peer = peer;
    this.#role = role;
    this.#narrator = narrator;
    this.#signal = signal;
  }

  async tell(): Promise<BrownfieldFacts> {
    await this.#sessions();
    const said = await this.#routes();
    const { answers, tunnelled } = await this.#clientAsks();
    const plain = FOREIGN[this.#peer].forwards ? await this.#plainClientAsks() : undefined;
    const restart = await this.#routerRestarts();
    const agentDied = await this.#agentDies();
    const siteLost = await this.#siteIsLost();
    return {
      peer: this.#peer,
      role: this.#role,
      said,
      answers,
      tunnelled,
      ...(plain && { plain }),
      restart,
      agentDied,
      siteLost,
    };
  }

  async #run(node: string, ...argv: string[]): Promise<string> {
    const done = await this.#lab.exec(node, argv, { signal: this.#signal });
    const words = (done.stderr || done.stdout).trim();
    expectThat(`${node}: ${argv.join(" ")}`, done.code === 0, "exit code 0", `exit code ${done.code}: ${words}`);
    return done.stdout;
  }

  /** What `semrctl --json` shows, asked as it does: over the router's socket. */
  async #ask<Report>(router: string, resource: string): Promise<Report> {
    const url = `http://localhost/v1/${resource}`;
    const curl = ["curl", "--silent", "--show-error", "--fail", "--unix-socket", "/run/semrd/semrd.sock", url];
    return JSON.parse(await this.#run(router, ...curl)) as Report;
  }

  /** Sites that r1 can use, each with its route. */
  async #sites(): Promise<ReadonlyMap<string, RouteRow>> {
    const routes = await this.#ask<readonly RouteRow[]>("r1", `routes?capability=${encodeURIComponent(UPPER)}`);
    const usable = routes.filter(({ status }) => status === "best" || status === "group");
    return new Map(usable.map((route) => [ORIGINS[route.origin] ?? route.origin, route]));
  }

  async #sessions(): Promise<void> {
    this.#narrator.heading(
      `Three capability routers, and ${FOREIGN[this.#peer].name} as ${this.#role} between them`,
      1,
    );
    const began = performance.now();
    for (const router of ROUTERS) {
      let seen: unknown;
      await waitFor(`${router} has its session with x`, {
        within: 30_000,
        every: 100,
        signal: this.#signal,
        seen: () => seen,
        look: async () => {
          const [peer] = await this.#ask<readonly PeerRow[]>(router, "peers");
          seen = { state: peer?.state, lastError: peer?.lastError };
          return peer?.state === "Established" ? true : undefined;
        },
      });
    }
    this.#narrator.fact("every router has its one session, with x", performance.now() - began);
    const [peer] = await this.#ask<readonly PeerRow[]>("r1", "peers");
    expectEqual("families that r1 and x agreed on", peer!.families, ["ipv6/unicast"]);
    this.#narrator.fact(`the capability family was offered, and x does not know it: ${peer!.families.join(", ")}`);
  }

  async #bothSites(within: number): Promise<number> {
    const began = performance.now();
    let seen: unknown;
    await waitFor("r1 can use the sites behind r2 and r3", {
      within,
      signal: this.#signal,
      seen: () => seen,
      look: async () => {
        const sites = await this.#sites();
        seen = [...sites.keys()];
        return sites.size === 2 ? true : undefined;
      },
    });
    return performance.now() - began;
  }

  async #routes(): Promise<BrownfieldFacts["said"]> {
    this.#narrator.heading("Capability routes as IPv6 unicast", 2);
    this.#narrator.fact("r1 has the routes of r2 and r3", await this.#bothSites(20_000));
    const sites = await this.#sites();
    for (const [site, { origin, nextHop, weight, labels, peer }] of sites) {
      const locator = `fd00:ffff::${origin.at(-1)}`;
      expectEqual(`tunnel end of ${site}`, nextHop, locator);
      expectEqual(`weight of ${site}`, weight, site === "r2" ? 20 : 10);
      expectEqual(`labels of ${site}`, labels, ["eu"]);
      expectEqual(`who brought it`, peer.startsWith("fd00:0:1::c by brownfield"), true);
      this.#narrator.fact(`${site}: tunnel to ${nextHop}, weight ${weight}, label ${labels.join(", ")}; ${peer}`);
    }
    const [x] = await this.#ask<readonly PeerRow[]>("r1", "peers");
    const { learnt, lost, refused, mismatched } = x!.brownfield!;
    expectEqual("what is not as it was sent", { lost, refused, mismatched }, { lost: [], refused: [], mismatched: 0 });
    this.#narrator.fact(`${learnt} unicast routes are capability routes; nothing was lost on the way`);
    const said = await foreignWords(this.#lab, this.#peer);
    for (const { command, lines } of said) {
      this.#narrator.fact(`x: ${command.replace(/^(vtysh|birdc|gobgp).*?(?=show|global)/, "")}`);
      this.#narrator.quote(lines);
    }
    const report = await this.#ask<ExplainReport>("r1", `explain?name=${encodeURIComponent(UPPER)}`);
    this.#narrator.fact(`r1 explains: ${report.reason}`);
    return said;
  }

  async #clientAsks(): Promise<Pick<BrownfieldFacts, "answers" | "tunnelled">> {
    this.#narrator.heading("A client asks by name", 3);
    const text = "what flows here is a capability";
    const post = ["--header", "Content-Type: text/plain", "--data", text, URL];
    const one = await request(this.#lab, "client", post);
    expectEqual("the answer", [one.status, one.body], [200, text.toUpperCase()]);
    this.#narrator.fact(`${one.agent}: ${one.body}`, one.milliseconds);
    await using tunnels = await Capture.start(this.#lab, "x", "eth1", isTunnelled);
    const answers = countByAgent(await requestMany(this.#lab, "client", URL, REQUESTS, 8));
    const counts = Object.fromEntries(answers);
    for (const [agent, share] of Object.entries(SHARE)) {
      const count = answers.get(agent) ?? 0;
      const isNear = Math.abs(count / REQUESTS - share) < 0.2;
      expectThat(`requests for ${agent}`, isNear, `about ${Math.round(share * REQUESTS)} of ${REQUESTS}`, counts);
    }
    expectEqual("answers of somebody else", answers.size, 2);
    const tunnelled: Record<string, number> = {};
    for (const { destination } of await tunnels.stop()) tunnelled[destination] = (tunnelled[destination] ?? 0) + 1;
    expectEqual("tunnels between r1 and x", Object.keys(tunnelled).sort(), ["fd00:ffff::2", "fd00:ffff::3"]);
    const shares = [...answers].map(([agent, count]) => `${agent} ${count}`).join(", ");
    this.#narrator.fact(`${REQUESTS} requests: ${shares}; x forwarded them in tunnels to the two locators`);
    return { answers: counts, tunnelled };
  }

  /** Nothing on this client's way knows what a capability is, until r2 or r3: the address of any site is a route of x. */
  async #plainClientAsks(): Promise<NonNullable<BrownfieldFacts["plain"]>> {
    this.#narrator.heading("A client behind x, which no capability router serves", 4);
    const { address } = await this.#ask<ExplainReport>("r1", `explain?name=${encodeURIComponent(UPPER)}`);
    const routes = (await this.#run("x", "ip", "-6", "route", "show", `${address}/128`)).trimEnd().split("\n");
    this.#narrator.fact("the kernel of x, by BGP alone:");
    this.#narrator.quote(routes.map((line) => line.trim()));
    const answers = countByAgent(await requestMany(this.#lab, "plain", `http://[${address}]/`, PLAIN_REQUESTS, 4));
    const counts = Object.fromEntries(answers);
    const agents = Object.keys(SHARE);
    const isGood = answers.size > 0 && [...answers.keys()].every((agent) => agents.includes(agent));
    expectThat("who answers", isGood, agents.join(" or "), counts);
    const shares = [...answers].map(([agent, count]) => `${agent} ${count}`).join(", ");
    this.#narrator.fact(`${PLAIN_REQUESTS} requests to ${address}, without a tunnel to the site: ${shares}`);
    return { answers: counts, routes };
  }

  /** r2's process dies and comes back: its data plane goes on; FRR and BIRD keep its routes meanwhile (RFC 4724). */
  async #routerRestarts(): Promise<BrownfieldFacts["restart"]> {
    this.#narrator.heading("The process of r2 dies and comes back", 5);
    const asker = new Asker(this.#lab, "client", URL);
    try {
      await asker.more(5, this.#signal);
      const killed = performance.now();
      await this.#run("r2", "sh", "-c", "kill -9 $(cat /run/supervised.pid); rm -f /run/semrd/semrd.sock");
      await waitFor("r2 has its session with x again", {
        within: 30_000,
        every: 100,
        signal: this.#signal,
        look: async () => {
          const done = await this.#lab.exec("r2", ["test", "-S", "/run/semrd/semrd.sock"]);
          if (done.code !== 0) return undefined;
          const [peer] = await this.#ask<readonly PeerRow[]>("r2", "peers");
          return peer?.state === "Established" ? true : undefined;
        },
      });
      const back = performance.now();
      await asker.more(10, this.#signal);
      const answers = asker.since(killed);
      expectEqual("requests that failed", failures(answers), 0);
      this.#narrator.fact("killed with -9; it has its session with x again", back - killed);
      this.#narrator.fact(`all ${answers.length} requests since then were answered`);
      await this.#bothSites(30_000);
      return { answered: answers.length, sessionMilliseconds: back - killed };
    } finally {
      await asker[Symbol.asyncDispose]();
    }
  }

  /** Requests without a pause, while the site behind r2 goes; `lose` gives the moment. */
  async #failover(lose: () => Promise<number>, within: number): Promise<Failover> {
    const asker = new Asker(this.#lab, "client", URL);
    try {
      await asker.more(5, this.#signal);
      const lost = await lose();
      await waitFor("r1 has no route of r2 any more", {
        within,
        signal: this.#signal,
        look: async () => ((await this.#sites()).has("r2") ? undefined : true),
      });
      const withdrawn = performance.now();
      const later = await asker.more(20, this.#signal);
      const until = asker.answers.filter(({ began }) => began >= lost && began < withdrawn);
      const counts = countByAgent(later.filter(succeeded));
      expectEqual("who answers now", [...counts.keys()], ["upper-b"]);
      return {
        withdrawnMilliseconds: withdrawn - lost,
        failed: failures(until),
        failedLater: failures(later),
        answeredLater: later.length,
      };
    } finally {
      await asker[Symbol.asyncDispose]();
    }
  }

  #say(what: string, { withdrawnMilliseconds, failed, failedLater, answeredLater }: Failover): void {
    expectEqual(`requests that failed after that`, failedLater, 0);
    this.#narrator.fact(`${what}; r1 has no route of r2 any more`, withdrawnMilliseconds);
    this.#narrator.fact(`until then ${failed} requests failed; all ${answeredLater} since were answered by upper-b`);
  }

  async #agentDies(): Promise<Failover> {
    this.#narrator.heading("The agent behind r2 dies", 6);
    const failover = await this.#failover(async () => {
      await this.#run("upper-a", "touch", "/run/hold");
      const moment = performance.now();
      await this.#run("upper-a", "sh", "-c", "kill -9 $(cat /run/supervised.pid)");
      return moment;
    }, 15_000);
    this.#say("r2 withdraws both /128s through x", failover);
    await this.#run("upper-a", "rm", "-f", "/run/hold");
    this.#narrator.fact("it is started again, and r1 uses both sites", await this.#bothSites(20_000));
    return failover;
  }

  async #siteIsLost(): Promise<Failover> {
    this.#narrator.heading("r2 is cut off", 7);
    const failover = await this.#failover(async () => {
      const moment = performance.now();
      await this.#run("x", "ip", "link", "set", "eth2", "down");
      return moment;
    }, 20_000);
    this.#say("x misses r2 and withdraws its routes", failover);
    await this.#run("x", "ip", "link", "set", "eth2", "up");
    await this.#run("x", "ip", "address", "replace", "fd00:0:2::c/64", "dev", "eth2", "nodad");
    await this.#run("x", "ip", "-6", "route", "replace", "fd00:ffff::2/128", "via", "fd00:0:2::1");
    this.#narrator.fact(`the link is there again, and r1 uses both sites`, await this.#bothSites(40_000));
    return failover;
  }
}

function failures(answers: readonly Answer[]): number {
  return answers.filter((answer) => !succeeded(answer)).length;
}
