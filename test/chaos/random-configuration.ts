import type { SeededRandom } from "../sim/seeded-random.ts";

interface Agent {
  readonly tenant: string;
  readonly weight: number;
}

interface State {
  readonly tenants: ReadonlySet<number>;
  readonly agents: ReadonlyMap<string, Agent>;
  /** By interface: the tenant. */
  readonly interfaces: ReadonlyMap<string, string>;
  /** By last group of the address: the import policy, if any. */
  readonly neighbors: ReadonlyMap<string, string | undefined>;
  readonly policies: ReadonlyMap<string, number>;
}

export interface RandomConfigurationOptions {
  /** Document of a router with the tenant acme and without the sections that change. */
  readonly base: object;
  readonly bgp: object;
  /** The neighbour that stays as it is. */
  readonly neighbor: object;
  /** Interfaces that come and go; `edge0` is always there. */
  readonly interfaces: readonly string[];
}

/** As `semrctl config set` and `delete` send it. */
export type Step =
  | { readonly operation: "replace"; readonly path: string; readonly value: unknown }
  | { readonly operation: "remove"; readonly path: string };

const AGENTS = ["a", "b", "c", "d"];
const TENANTS = [2, 3, 4];
const POLICIES = ["first", "second"];
const NEIGHBORS = ["101", "102", "103"];
const ROUTER = "/semrd-router:router";

/**
 * A configuration that changes at random and is always valid: tenants, agents, interfaces, neighbours and policies come, go
 * and change, with what refers to them. An agent of tenant acme, an interface and a neighbour stay.
 */
export class RandomConfiguration {
  readonly #random: SeededRandom;
  readonly #options: RandomConfigurationOptions;
  #state: State = {
    tenants: new Set(),
    agents: new Map(),
    interfaces: new Map(),
    neighbors: new Map(),
    policies: new Map(),
  };
  #before = this.#state;

  constructor(random: SeededRandom, options: RandomConfigurationOptions) {
    this.#random = random;
    this.#options = options;
  }

  /** The latest change was not made. */
  back(): void {
    this.#state = this.#before;
  }

  /** Changes one thing, with what hangs on it; answers the steps that do the same to a candidate. */
  change(): readonly Step[] {
    const before = this.#state;
    this.#before = before;
    const changes = [this.#tenant, this.#agent, this.#agent, this.#interface, this.#neighbor, this.#policy];
    this.#state = this.#one(changes).call(this);
    return stepsBetween(sectionsOf(before, this.#options), sectionsOf(this.#state, this.#options));
  }

  /** As it is, but for the neighbours that come and go. */
  withoutGuests(): object {
    this.#state = { ...this.#state, neighbors: new Map() };
    return this.document;
  }

  #one<T>(all: readonly T[]): T {
    return all[Math.floor(this.#random.next() * all.length)]!;
  }

  #aTenant(): string {
    return this.#one(["acme", ...[...this.#state.tenants].map((index) => `t${index}`)]);
  }

  #tenant(): State {
    const index = this.#one(TENANTS);
    const state = this.#state;
    const tenants = new Set(state.tenants);
    if (!tenants.delete(index)) return { ...state, tenants: tenants.add(index) };
    const others = ([, of]: [string, Agent]): boolean => of.tenant !== `t${index}`;
    return {
      ...{ ...state, tenants },
      agents: new Map([...state.agents].filter(others)),
      interfaces: new Map([...state.interfaces].filter(([, tenant]) => tenant !== `t${index}`)),
    };
  }

  #agent(): State {
    const agents = new Map(this.#state.agents);
    const name = this.#one(AGENTS);
    const old = agents.get(name);
    if (old !== undefined && this.#random.next() < 0.4) agents.delete(name);
    else agents.set(name, { tenant: old?.tenant ?? this.#aTenant(), weight: 1 + Math.floor(this.#random.next() * 20) });
    return { ...this.#state, agents };
  }

  #interface(): State {
    const interfaces = new Map(this.#state.interfaces);
    const name = this.#one(this.#options.interfaces);
    if (interfaces.has(name) && this.#random.next() < 0.6) interfaces.delete(name);
    else interfaces.set(name, this.#aTenant());
    return { ...this.#state, interfaces };
  }

  #neighbor(): State {
    const neighbors = new Map(this.#state.neighbors);
    const name = this.#one(NEIGHBORS);
    if (neighbors.has(name) && this.#random.next() < 0.5) neighbors.delete(name);
    else neighbors.set(name, this.#one([undefined, ...this.#state.policies.keys()]));
    return { ...this.#state, neighbors };
  }

  #policy(): State {
    const policies = new Map(this.#state.policies);
    const name = this.#one(POLICIES);
    if (!policies.has(name) || this.#random.next() < 0.5) {
      return { ...this.#state, policies: policies.set(name, 100 + Math.floor(this.#random.next() * 100)) };
    }
    policies.delete(name);
    const neighbors = new Map(
      [...this.#state.neighbors].map(([address, policy]) => [address, policy === name ? undefined : policy]),
    );
    return { ...this.#state, policies, neighbors };
  }

  get document(): object {
    const { base } = this.#options;
    const [name, router] = Object.entries(base)[0]!;
    const sections = Object.values(sectionsOf(this.#state, this.#options)).map(({ name: section, content }) => [
      section,
      content,
    ]);
    return { [name]: { ...router, ...Object.fromEntries(sections.filter(([, content]) => content !== undefined)) } };
  }
}

interface Section {
  readonly name: string;
  readonly content: object | undefined;
}

function sectionsOf(state: State, { bgp, neighbor }: RandomConfigurationOptions): readonly Section[] {
  const tenants = [["acme", 1] as const, ...[...state.tenants].map((index) => [`t${index}`, index] as const)];
  const agents = [["steady", { tenant: "acme", weight: 10 }] as const, ...state.agents];
  const interfaces = [["edge0", "acme"] as const, ...state.interfaces];
  const capability = (name: string): object => ({ name, "major-version": 1 });
  return [
    {
      name: "semrd-taxonomy:taxonomy",
      content: { revision: 1, capability: ["/vision/ocr", "/vision/nl"].map(capability) },
    },
    {
      name: "semrd-tenant:tenants",
      content: {
        tenant: tenants.map(([name, index]) => ({
          ...{ name, index, "route-distinguisher": `0:65000:${index}` },
          ...{ "import-target": [`65000:${index}`], "export-target": [`65000:${index}`] },
        })),
      },
    },
    {
      name: "semrd-interface:interfaces",
      content: { interface: interfaces.map(([name, tenant]) => ({ name, role: "agent", tenant })) },
    },
    {
      name: "semrd-agent:agents",
      content: {
        agent: agents.map(([name, { tenant, weight }]) => ({
          id: `spiffe://example.net/agent/${name}`,
          tenant,
          capability: [
            {
              ...capability(name === "steady" ? "/vision/ocr" : "/vision/nl"),
              ...{ address: `fd00:a::${name === "steady" ? "10" : AGENTS.indexOf(name) + 20}`, port: 8080, weight },
            },
          ],
        })),
      },
    },
    {
      name: "semrd-policy:routing-policy",
      content:
        state.policies.size === 0
          ? undefined
          : {
              "policy-definitions": {
                "policy-definition": [...state.policies].map(([name, preference]) => ({
                  name,
                  statements: {
                    statement: [
                      {
                        name: "all",
                        actions: {
                          "policy-result": "accept-route",
                          "set-local-preference": preference,
                        },
                      },
                    ],
                  },
                })),
              },
            },
    },
    {
      name: "semrd-bgp:bgp",
      content: {
        ...bgp,
        neighbors: {
          neighbor: [
            neighbor,
            ...[...state.neighbors].map(([last, policy]) => ({
              ...{ address: `fd5e:b6c::${last}`, "remote-as": 65000 },
              ...(policy === undefined ? {} : { "import-policy": [policy] }),
            })),
          ],
        },
      },
    },
  ];
}

/** Whole sections, in an order in which each step is one that a candidate takes. */
function stepsBetween(before: readonly Section[], after: readonly Section[]): Step[] {
  return after.flatMap(({ name, content }, i): Step[] => {
    const old = before[i]!.content;
    if (JSON.stringify(old) === JSON.stringify(content)) return [];
    const at = `${ROUTER}/${name}`;
    if (content === undefined) return [{ operation: "remove", path: at }];
    return [{ operation: "replace", path: at, value: content }];
  });
}
