import { type Clock, milliseconds, Slices, type Timer } from "../../base/index.ts";
import {
  type AgentRecord,
  type Directory,
  DirectoryError,
  type InstanceIds,
  type Registrar,
  registered,
  type StaticAgent,
} from "../../directory/index.ts";
import {
  type AgentConfiguration,
  type Answer,
  answered,
  fault,
  type ManagementFault,
  type Prepared,
  type Provider,
  type RouterChange,
  refused,
} from "../../management/index.ts";

export interface AgentsParts {
  readonly directory: Directory;
  readonly registrar: Pick<Registrar, "forget">;
  readonly clock: Clock;
}

/** The configured agents: each that differs is one change of the directory, the others are not looked at. */
export function agentsProvider(parts: AgentsParts): Provider<RouterChange> {
  return {
    name: "agents",
    plan: () => answered([]),
    async prepare({ agents }) {
      if (agents.put.length === 0 && agents.removed.length === 0) return answered(undefined);
      const { faults, records } = await lookedAt(agents, parts);
      return faults.length > 0 ? { ok: false, faults } : answered(new AgentsChange(agents, records, parts));
    },
  };
}

/** An agent of the configuration as the directory knows one. */
export function staticAgent({ id, tenant, instances }: AgentConfiguration): StaticAgent {
  return { agent: id, tenant, offers: instances };
}

function recordOf(agent: AgentConfiguration, { directory, clock }: AgentsParts): AgentRecord {
  const request = { ...staticAgent(agent), source: "configuration" } as const;
  return registered(directory.agent(agent.id), request, clock.wall());
}

/** What would be put for an agent, for as long as the directory knows of it what it did then. */
interface Planned {
  readonly known: AgentRecord | undefined;
  readonly record: AgentRecord;
  /** Absent where it is refused. */
  readonly ids: InstanceIds | undefined;
}

/** The records of what is put, and what the directory would not take of them. */
async function lookedAt(
  agents: RouterChange["agents"],
  parts: AgentsParts,
): Promise<{ readonly faults: readonly ManagementFault[]; readonly records: readonly Planned[] }> {
  const { directory, clock } = parts;
  const faults: ManagementFault[] = [];
  const records: Planned[] = [];
  const reserved = new Map<string, number>();
  for (const id of agents.removed) {
    const record = directory.agent(id);
    if (record === undefined) continue;
    reserved.set(record.tenant, (reserved.get(record.tenant) ?? 0) - record.offers.length);
  }
  const slices = new Slices(clock);
  for (const agent of agents.put) {
    if (slices.isOver) await slices.next();
    const known = directory.agent(agent.id);
    const record = recordOf(agent, parts);
    const before = reserved.get(record.tenant) ?? 0;
    const checked = checkedBy(directory, record, before);
    if (!checked.ok) faults.push(...checked.faults);
    const grows = record.offers.length - (known?.offers.length ?? 0);
    reserved.set(record.tenant, before + Math.max(0, grows));
    records.push({ known, record, ids: checked.ok ? checked.value : undefined });
  }
  return { faults, records };
}

function checkedBy(directory: Directory, record: AgentRecord, reserved: number): Answer<InstanceIds> {
  try {
    return answered(directory.check(record, reserved));
  } catch (cause) {
    if (!(cause instanceof DirectoryError)) throw cause;
    const path = `/semrd-router:router/semrd-agent:agents/agent[id='${record.agent}']`;
    return refused(fault("operation-failed", reasonOf(cause, record), { path, appTag: cause.code }));
  }
}

function reasonOf({ fault: found, message }: DirectoryError, { agent }: AgentRecord): string {
  switch (found.code) {
    case "directory.agent-held":
      return `${agent} has been registered for another tenant: remove it there, or take another ID`;
    case "directory.duplicate-instance":
      return `${agent} offers the same capability at the same endpoint twice`;
    case "directory.capability-limit":
      return `the ${found.per} may have ${found.limit} instances`;
    default:
      return message;
  }
}

/** So long whoever sums up waits for the rest of a change; of one that takes longer they see parts. */
const LONGEST_GATHERING = milliseconds(500);

/**
 * One change of the directory after the other, in slices, gathered for those who sum up: until the commit is durable or
 * taken back, so that nobody is told of what may not last, and nobody is held up by what follows from it.
 */
class Gathered implements Disposable {
  readonly #directory: Directory;
  readonly #clock: Clock;
  readonly #slices: Slices;
  /** Absent once it is over. */
  #gathering: Disposable | undefined;
  #rest: Timer | undefined;
  #ends: number;

  constructor({ directory, clock }: AgentsParts) {
    this.#directory = directory;
    this.#clock = clock;
    this.#slices = new Slices(clock);
    this.#gathering = directory.gather();
    this.#ends = clock.monotonic() + LONGEST_GATHERING;
  }

  get isOver(): boolean {
    return this.#slices.isOver;
  }

  async next(): Promise<void> {
    await this.#slices.next();
    const now = this.#clock.monotonic();
    if (now < this.#ends) return;
    this.#ends = now + LONGEST_GATHERING;
    this.#gathering?.[Symbol.dispose]();
    this.#gathering = this.#directory.gather();
  }

  /** All is done: it goes on until it is disposed, but not for longer than other changes may wait. */
  wait(): void {
    const left = Math.max(0, this.#ends - this.#clock.monotonic());
    this.#rest = this.#clock.after(milliseconds(left), () => this[Symbol.dispose]());
  }

  [Symbol.dispose](): void {
    this.#rest?.cancel();
    const gathering = this.#gathering;
    this.#gathering = undefined;
    gathering?.[Symbol.dispose]();
  }
}

class AgentsChange implements Prepared {
  readonly #agents: RouterChange["agents"];
  readonly #records: readonly Planned[];
  readonly #parts: AgentsParts;
  /** What was there before, by agent, as far as `apply` has come. */
  readonly #before = new Map<string, AgentRecord | undefined>();
  #gathered: Gathered | undefined;

  constructor(agents: RouterChange["agents"], records: readonly Planned[], parts: AgentsParts) {
    this.#agents = agents;
    this.#records = records;
    this.#parts = parts;
  }

  async apply(): Promise<void> {
    const { directory } = this.#parts;
    const gathered = new Gathered(this.#parts);
    this.#gathered = gathered;
    for (const id of this.#agents.removed) {
      if (gathered.isOver) await gathered.next();
      // One that an operator or the agent itself has registered meanwhile is not ours to remove.
      const known = directory.agent(id);
      if (known?.source !== "configuration") continue;
      this.#before.set(id, known);
      directory.remove(id, "configuration");
    }
    for (const [at, agent] of this.#agents.put.entries()) {
      if (gathered.isOver) await gathered.next();
      const known = directory.agent(agent.id);
      const planned = this.#records[at]!;
      this.#before.set(agent.id, known);
      if (known === planned.known) directory.put(planned.record, planned.ids);
      else directory.put(recordOf(agent, this.#parts));
    }
    gathered.wait();
  }

  /** What an operator had decided about an agent ends with it. */
  async finish(): Promise<void> {
    this.#gathered?.[Symbol.dispose]();
    const held = this.#agents.removed.filter((id) =>
      this.#before.get(id)?.offers.some(({ hold }) => hold !== undefined),
    );
    await Promise.all(held.map((id) => this.#parts.registrar.forget(id)));
  }

  async revert(): Promise<void> {
    const { directory } = this.#parts;
    this.#gathered?.[Symbol.dispose]();
    using gathered = new Gathered(this.#parts);
    for (const [id, record] of [...this.#before].toReversed()) {
      if (gathered.isOver) await gathered.next();
      // A record of a lower rank does not replace a configured one.
      if (record === undefined || record.source !== "configuration") directory.remove(id, "configuration");
      if (record !== undefined) directory.put(record);
    }
  }
}

/** Agents that registered themselves and whose tenant or capability is gone from the configuration lose what is not served. */
export function unserved(
  directory: Directory,
  serves: (tenant: string, capability: string, majorVersion: number) => boolean,
): ReadonlyMap<string, AgentRecord> {
  const found = new Map<string, AgentRecord>();
  for (const record of directory.agents()) {
    if (record.source === "configuration") continue;
    const offers = record.offers.filter(({ capability, version }) => serves(record.tenant, capability, version.major));
    if (offers.length < record.offers.length) found.set(record.agent, { ...record, offers });
  }
  return found;
}
