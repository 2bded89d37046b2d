import { type Clock, Slices } from "../../base/index.ts";
import { criterionFaults } from "../alarms/index.ts";
import {
  type Answer,
  answered,
  fault,
  type ManagementFault,
  type Path,
  refused,
  type Tree,
  type TreeChange,
} from "../datastore/index.ts";
import type { AccessSchema } from "../nacm/index.ts";
import type { Agent } from "../schema/instance/semrd-agent.ts";
import type { Router } from "../schema/instance/semrd-router.ts";
import type { Binder } from "../transaction/index.ts";
import { type AlarmsInstance, bindAlarms } from "../yang/alarms-binding.ts";
import { agentBinder, bindRouter } from "../yang/binding.ts";
import type { RouterDocument } from "../yang/document.ts";
import type { YangModel } from "../yang/model.ts";
import { bindNacm, type NacmInstance, nacmFaults } from "../yang/nacm-binding.ts";
import type { AgentConfiguration } from "./agents.ts";
import { disagreements } from "./agreement.ts";
import { changedAgents, reclassified } from "./changed-agents.ts";
import type { ConfigurationFault } from "./error.ts";
import { diskFiles, type Files } from "./files.ts";
import { FILE_TAGS, unusableFiles } from "./named-files.ts";
import { inUseOf } from "./restart.ts";
import { ALARMS, NACM, ROUTER, SortingOfChanges } from "./sorted-changes.ts";
import type { RouterConfiguration, TaxonomyConfiguration } from "./types.ts";

/** What is asked for, and what of it the router does before its restart. */
export interface RouterState {
  readonly intended: RouterConfiguration;
  readonly inUse: RouterConfiguration;
}

/** A change in the words of the parts. Members of `before` and `after` that say the same are the same objects. */
export interface RouterChange {
  /** In use. */
  readonly before: RouterConfiguration;
  /** In use afterwards. */
  readonly after: RouterConfiguration;
  /** Asked for: differs from `after` in what waits for a restart. */
  readonly intended: RouterConfiguration;
  readonly changes: readonly TreeChange[];
  /** Local names of the nodes of the router that they are in. */
  readonly sections: ReadonlySet<string>;
  readonly agents: {
    /** New or different. */
    readonly put: readonly AgentConfiguration[];
    readonly removed: readonly string[];
  };
}

const AGENTS: Path = [{ name: ROUTER }, { name: "semrd-agent:agents" }];

const AGENT: Path = [...AGENTS, { name: "agent" }];

/** Members of a configuration by the node they come from, and what else they look at. */
const SECTIONS: readonly (readonly [node: string, member: keyof RouterConfiguration, looksAt?: readonly string[]])[] = [
  ["name", "name"],
  ["router-id", "routerId"],
  ["domain", "domain"],
  ["site", "site"],
  ["nodes", "nodes"],
  ["keystore", "keystore"],
  ["truststore", "truststore"],
  ["taxonomy", "taxonomy"],
  ["tenants", "tenants"],
  ["tenant-policies", "tenantPolicies"],
  ["interfaces", "interfaces", ["tenants"]],
  ["ipv4", "ipv4"],
  ["routing-policy", "routingPolicy", ["taxonomy", "tenants"]],
  ["bgp", "bgp", ["keystore"]],
  ["registration", "registration", ["keystore"]],
  ["discovery", "discovery"],
  ["dataplane", "dataplane", ["keystore", "truststore"]],
  ["telemetry", "telemetry"],
  ["mrt", "mrt"],
  ["rpki", "rpki"],
  ["bmp", "bmp"],
  ["management", "management", ["keystore", "truststore"]],
  ["state-directory", "stateDirectory"],
];

/** Agents that are printed and read before the event loop gets a turn: below 5 ms of work. */
const PER_TURN = 128;

export interface RouterBinderParts {
  readonly model: YangModel;
  readonly clock: Clock;
  /** What rules of access may name. */
  readonly access: AccessSchema;
  /** Where relative file names begin. */
  readonly folder: string;
  /** Default: the disk. */
  readonly files?: Files;
}

/** Reads trees of the semrd modules; of a change only what it touches. */
export class RouterBinder implements Binder<RouterState, RouterChange, readonly AgentConfiguration[]> {
  readonly #parts: RouterBinderParts;
  readonly #sorting: SortingOfChanges;
  /** Everything but the agents, as the document had it. */
  readonly #instances = new WeakMap<RouterConfiguration, Router>();

  constructor(parts: RouterBinderParts) {
    this.#parts = parts;
    this.#sorting = new SortingOfChanges(parts.clock);
  }

  isOfFiles({ appTag }: ManagementFault): boolean {
    return FILE_TAGS.has(appTag);
  }

  async bind(tree: Tree): Promise<Answer<RouterState>> {
    const document = JSON.parse(await this.#parts.model.filledDocument(tree)) as RouterDocument;
    const router = document[ROUTER];
    if (router === undefined) return refused(NO_ROUTER);
    const nacm = this.#nacm(document[NACM]);
    if (!nacm.ok) return nacm;
    const alarms = bindAlarms(document[ALARMS]);
    const badAlarms = criterionFaults(alarms);
    if (badAlarms.length > 0) return { ok: false, faults: badAlarms };
    const beside = { nacm: nacm.value, alarms };
    const { "semrd-agent:agents": agents, ...rest } = router;
    const bound = bindRouter(rest, this.#parts.folder, beside);
    const intended = { ...bound, agents: await this.#inSlices(agents?.agent ?? [], agentBinder(bound.taxonomy)) };
    this.#instances.set(intended, rest);
    const faults = await this.#disagreements(intended);
    if (faults.length > 0) return { ok: false, faults };
    return answered({ intended, inUse: intended });
  }

  /** New agents, which may be very many: what they say is in the changes. */
  async begin(before: RouterState, all: readonly TreeChange[]): Promise<readonly AgentConfiguration[] | undefined> {
    const { changes, sections, isAll } = await this.#sorting.of(all);
    if (isAll || sections.has("taxonomy")) return undefined;
    const { created } = changedAgents(changes, []);
    if (created.length === 0) return undefined;
    try {
      return await this.#bound(created, before.intended.taxonomy);
    } catch {
      return undefined; // what is not valid need not be readable; validation says why
    }
  }

  async change(
    before: RouterState,
    tree: Tree,
    all: readonly TreeChange[],
    begun: readonly AgentConfiguration[] | undefined,
  ): Promise<Answer<{ readonly after: RouterState; readonly change: RouterChange }>> {
    const { changes, sections, ...beside } = await this.#sorting.of(all);
    if (beside.isAll) return refused(NO_ROUTER);
    const touched = new Set(sections.keys());
    const rest = await this.#sections(before.intended, tree, sections);
    const agents = await this.#agents(before.intended.agents, rest, tree, changes, { touched, begun });
    const { isRuled } = beside;
    const [value] = isRuled ? await this.#parts.model.values(tree, [{ name: NACM }]) : [];
    const nacm = isRuled ? this.#nacm(value as NacmInstance | undefined) : answered(before.intended.nacm);
    if (!nacm.ok) return nacm;
    const [told] = beside.isAlarmed ? await this.#parts.model.values(tree, [{ name: ALARMS }]) : [];
    const alarms = beside.isAlarmed ? bindAlarms(told as AlarmsInstance | undefined) : before.intended.alarms;
    const badAlarms = beside.isAlarmed ? criterionFaults(alarms) : [];
    if (badAlarms.length > 0) return { ok: false, faults: badAlarms };
    const intended: RouterConfiguration = { ...rest, nacm: nacm.value, alarms, agents: agents.all };
    this.#instances.set(intended, this.#instances.get(rest)!);
    const faults = await this.#disagreements(intended, before.intended, agents.put);
    if (faults.length > 0) return { ok: false, faults };
    const inUse = inUseOf(intended, before);
    const { put, removed } = agents;
    const change = {
      before: before.inUse,
      after: inUse,
      intended,
      changes,
      sections: touched,
      agents: { put, removed },
    };
    return answered({ after: { intended, inUse }, change });
  }

  #nacm(nacm: NacmInstance | undefined): Answer<RouterConfiguration["nacm"]> {
    const faults = nacmFaults(nacm, this.#parts.access);
    return faults.length > 0 ? { ok: false, faults } : answered(bindNacm(nacm, this.#parts.access));
  }

  /** All sections but the agents, which stay those of before. */
  async #sections(
    before: RouterConfiguration,
    tree: Tree,
    touched: ReadonlyMap<string, string>,
  ): Promise<RouterConfiguration> {
    const nodes = new Map(touched);
    nodes.delete("agents");
    if (nodes.size === 0) return before;
    const router: Record<string, unknown> = { ...this.#instances.get(before)! };
    for (const [local, name] of nodes) {
      // The members of the router's own module are named without it.
      const member = name === local || name.startsWith("semrd-router:") ? local : name;
      const [value] = await this.#parts.model.values(tree, [{ name: ROUTER }, { name }]);
      if (value === undefined) delete router[member];
      else router[member] = value;
    }
    const instance = router as unknown as Router;
    const bound: Record<string, unknown> = {
      ...bindRouter(instance, this.#parts.folder, before),
      agents: before.agents,
    };
    for (const [node, member, looksAt = []] of SECTIONS) {
      if (touched.has(node) || looksAt.some((other) => touched.has(other))) continue;
      if (before[member] === undefined) delete bound[member];
      else bound[member] = before[member];
    }
    const configuration = bound as unknown as RouterConfiguration;
    this.#instances.set(configuration, instance);
    return configuration;
  }

  async #agents(
    before: readonly AgentConfiguration[],
    { taxonomy }: RouterConfiguration,
    tree: Tree,
    changes: readonly TreeChange[],
    {
      touched,
      begun,
    }: { readonly touched: ReadonlySet<string>; readonly begun: readonly AgentConfiguration[] | undefined },
  ) {
    const { created, put: wanted, removed } = changedAgents(changes, before);
    const put = [...(begun ?? (await this.#bound(created, taxonomy)))];
    const bind = agentBinder(taxonomy);
    for (let at = 0; at < wanted.length; at += PER_TURN) {
      const paths = wanted.slice(at, at + PER_TURN).map((id) => [...AGENTS, { name: "agent", keys: { id } }]);
      const router = this.#routerIn(await this.#parts.model.filledDocument(tree, paths));
      put.push(...(router?.["semrd-agent:agents"]?.agent ?? []).map(bind));
      await this.#turn();
    }
    if (touched.has("taxonomy")) put.push(...reclassified(before, taxonomy, new Set([...wanted, ...removed])));
    if (put.length === 0 && removed.length === 0) return { all: before, put, removed };
    return { all: await this.#merged(before, put, removed), put, removed };
  }

  async #merged(
    before: readonly AgentConfiguration[],
    put: readonly AgentConfiguration[],
    removed: readonly string[],
  ): Promise<readonly AgentConfiguration[]> {
    const slices = new Slices(this.#parts.clock);
    if (before.length === 0) return put; // an ID is there once
    const gone = new Set(removed);
    const next = new Map<string, AgentConfiguration>();
    for (const agents of [before, put]) {
      for (const agent of agents) {
        if (slices.isOver) await slices.next();
        if (agents === put || !gone.has(agent.id)) next.set(agent.id, agent);
      }
    }
    return [...next.values()];
  }

  /** Entries as changes have them. */
  async #bound(created: readonly unknown[], taxonomy: TaxonomyConfiguration): Promise<AgentConfiguration[]> {
    const [fill, bind] = [this.#parts.model.filler(AGENT), agentBinder(taxonomy)];
    return this.#inSlices(created, (entry) => bind(fill(entry) as Agent));
  }

  async #inSlices<T>(entries: readonly T[], bind: (entry: T) => AgentConfiguration): Promise<AgentConfiguration[]> {
    const agents: AgentConfiguration[] = [];
    const slices = new Slices(this.#parts.clock);
    for (const entry of entries) {
      if (slices.isOver) await slices.next();
      agents.push(bind(entry));
    }
    return agents;
  }

  /** What no model can say, looked for where something is different from `before`. */
  async #disagreements(
    after: RouterConfiguration,
    before?: RouterConfiguration,
    put: readonly AgentConfiguration[] = after.agents,
  ): Promise<readonly ManagementFault[]> {
    const faults: ConfigurationFault[] = [];
    const slices = new Slices(this.#parts.clock);
    const others = after.domain === before?.domain ? put : after.agents;
    const looked = after.taxonomy === before?.taxonomy && after.domain === before?.domain;
    const options = {
      collisions: !looked,
      policies: after.taxonomy !== before?.taxonomy || after.tenantPolicies !== before?.tenantPolicies,
    };
    for (const found of disagreements({ ...after, agents: others }, options)) {
      if (found !== undefined) faults.push(found);
      if (slices.isOver) await slices.next();
    }
    faults.push(...(await unusableFiles(after, this.#parts.files ?? diskFiles, before)));
    return faults.map(({ path, reason, tag }) =>
      fault("invalid-value", reason, {
        ...(path === undefined ? {} : { path }),
        ...(tag === undefined ? {} : { appTag: tag }),
      }),
    );
  }

  #routerIn(text: string): Router | undefined {
    return (JSON.parse(text) as RouterDocument)[ROUTER];
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.soon(resolve));
  }
}

const NO_ROUTER = fault(
  "operation-failed",
  "the container semrd-router:router is what this router is: it has to stay",
  {
    path: "/semrd-router:router",
    appTag: "router-missing",
  },
);
