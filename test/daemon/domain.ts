import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import {
  agentIdHash,
  type CapabilityName,
  capabilityId,
  milliseconds,
  parseIpv6,
  seconds,
  toHex,
} from "../../src/base/index.ts";
import { siteOfOrigin } from "../../src/bgp/wire/index.ts";
import { Origination, type OriginationOptions } from "../../src/daemon/origination.ts";
import { SelectionFan } from "../../src/daemon/selection-fan.ts";
import { type DampingSettings, Directory, type Offer } from "../../src/directory/index.ts";
import type { JudgedCandidate, RouteRow } from "../../src/rib/index.ts";
import { type Router, type RouterOptions, TENANT } from "../bgp/speaker/router.ts";
import { Scene } from "../bgp/speaker/scene.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";

export const NAMES = ["/vision/ocr", "/vision/nl", "/audio/speech"] as readonly string[] as readonly CapabilityName[];
const NAME_OF = new Map(NAMES.map((name) => [toHex(capabilityId(name, 1)), name]));

export interface NodeOptions extends RouterOptions {
  readonly selector?: number;
  readonly origination?: Partial<OriginationOptions>;
}

/** A router with agents behind it: RIB, speaker, directory and what it says about itself, joined as the daemon joins them. */
export class Node {
  readonly router: Router;
  readonly directory: Directory;
  readonly metrics = new TallyMetrics();
  readonly log = new ListLog();
  readonly #scene: Scene;
  readonly #options: NodeOptions;
  readonly #selections = new SelectionFan();
  #origination: Origination;

  private constructor(scene: Scene, router: Router, options: NodeOptions) {
    this.#scene = scene;
    this.router = router;
    this.#options = options;
    const { clock } = scene;
    this.directory = new Directory({ perAgent: 20, perTenant: 1000 }, { clock, metrics: this.metrics });
    this.#origination = this.#originate();
    const { capability } = router.rib;
    const drain = (): void => {
      const left = capability.drainDestinations(
        (selection) => this.#selections.site(selection),
        256,
        (selection) => this.#selections.agent(selection),
      );
      if (left > 0) clock.soon(drain);
    };
    capability.onDestinationsChanged = drain;
    drain();
    router.speaker.localStateConverged();
  }

  static async start(scene: Scene, options: NodeOptions): Promise<Node> {
    const { selector = 1 } = options;
    const site = siteOfOrigin(options.localAs ?? 65000, selector);
    const instances = options.origination?.advertiseInstances === true;
    const router = await scene.router({
      ...options,
      speaker: { ...(instances ? { siteOfOrigin: site } : {}), ...options.speaker },
      rib: { ...(instances ? { siteOfOrigin: site } : {}), ...options.rib },
    });
    return new Node(scene, router, options);
  }

  #originate(): Origination {
    const { router, directory, metrics, log } = this;
    const { selector = 1, localAs = 65000, origination } = this.#options;
    return new Origination(
      {
        ...{ routerId: router.originId, localAs, selector, locator: router.nextHop, taxonomyRevision: 1 },
        ...{ tenants: [TENANT], ...origination },
      },
      {
        ...{
          directory,
          metrics,
          log,
          clock: this.#scene.clock,
          random: new SeededRandom(1),
          selections: this.#selections,
          rib: router.rib,
        },
        ...{ routes: router.speaker, nameOf: (id) => NAME_OF.get(toHex(id)) },
      },
    );
  }

  set draining(draining: boolean) {
    this.#origination.draining = draining;
    this.router.speaker.gracefulShutdown = draining;
  }

  /** Its routes are another router's from now on; its sessions stay as they are. */
  renumber(routerId: number): void {
    this.#origination.become({ routerId, localAs: this.#options.localAs ?? 65000 });
  }

  register(agent: string, offers: readonly Offer[] = [offer(NAMES[0]!)]): void {
    this.directory.register({ agent, tenant: "acme", source: "registration", offers, lease: milliseconds(3_600_000) });
  }

  /** `r<n>` of who has the agent. */
  agent(agent: string): string | undefined {
    return nameOf(this.router.rib.capability.selectAgent(1, agentIdHash(agent)).winner?.originId);
  }

  /** `r<n> judgement step` of each site of a capability. */
  sites(name: CapabilityName): string[] {
    return judged(this.router.rib.capability.select(1, capabilityId(name, 1)).candidates);
  }

  instances(name: CapabilityName): string[] {
    return judged(this.router.rib.capability.selectInstances(1, capabilityId(name, 1)).candidates).sort();
  }

  prefix(name: CapabilityName): string | undefined {
    const selection = this.router.rib.capability.selectPrefix(1, name);
    return selection && `${selection.prefix} ${nameOf(selection.winner?.originId)}`;
  }

  rows(type: RouteRow["subject"]["type"]): RouteRow[] {
    return this.router.rows().filter(({ subject }) => subject.type === type);
  }

  /** UPDATEs that it has sent to all of its neighbours. */
  get updates(): number {
    return this.router.speaker.peers().reduce((sum, { updatesSent }) => sum + updatesSent, 0);
  }
}

const nameOf = (originId: number | undefined): string | undefined =>
  originId === undefined ? undefined : `r${originId & 0xff}`;

const judged = (candidates: readonly JudgedCandidate[]): string[] =>
  candidates.map(({ candidate, judgement, step }) => `${nameOf(candidate.originId)} ${judgement} ${step}`);

let ports = 1000;

export function offer(capability: CapabilityName, changes: Partial<Offer> = {}): Offer {
  return {
    ...{ capability, version: { major: 1, minor: 0 }, servicePort: 80, weight: 10, labels: [] },
    endpoint: { address: parseIpv6("fd00:a::10")!, port: ports++, protocol: "tcp" },
    ...changes,
  };
}

export const addressOf = (n: number): string => `2001:db8::${n}`;

export interface Domain {
  readonly scene: Scene;
  readonly reflector: Node;
  readonly nodes: readonly [r2: Node, r3: Node, r4: Node];
}

/** Three routers, r2 to r4, and the reflector r1 that they all talk to. */
export async function domain(t: TestContext, each: (n: number) => Partial<NodeOptions> = () => ({})): Promise<Domain> {
  const scene = new Scene(t);
  const clients = [2, 3, 4].map((n) => ({ address: addressOf(n), reflectorClient: true }));
  const start = (n: number, peers: NodeOptions["peers"]): Promise<Node> =>
    Node.start(scene, { address: addressOf(n), identifier: `10.0.0.${n}`, selector: n, peers, ...each(n) });
  const reflector = await start(1, clients);
  const toReflector = [{ address: addressOf(1) }];
  const nodes = [await start(2, toReflector), await start(3, toReflector), await start(4, toReflector)] as const;
  scene.quiet(reflector.router, ...nodes.map(({ router }) => router));
  return { scene, reflector, nodes };
}

/** A domain in which an agent was at r2, and so many milliseconds after that at r3. */
export async function moved(t: TestContext, agent: string, after = 1000): Promise<Domain> {
  const made = await domain(t);
  const [r2, r3] = made.nodes;
  r2.register(agent);
  made.scene.clock.advance(after);
  r3.register(agent);
  made.scene.clock.advance(1000);
  assert.equal(made.reflector.agent(agent), "r3");
  return made;
}

export const DAMPING: DampingSettings = {
  averageTime: milliseconds(2000),
  holdTime: milliseconds(5000),
  badNewsInterval: milliseconds(200),
  goodNewsInterval: { minimum: milliseconds(5000), maximum: milliseconds(30_000) },
  updatesPerSecond: 200,
  burst: 400,
};

export const LEASE = seconds(3600);
