import { agentIdHash, type Clock, IdentifierMap, type Log, type Random } from "../base/index.ts";
import { type AgentRecord, type DampedSummary, type Directory, instanceState } from "../directory/index.ts";
import type { AgentSelection, CapabilityCandidate, Rib, Tenant } from "../rib/index.ts";
import type { Announcer } from "./announcer.ts";
import type { OriginDamper } from "./origin-damper.ts";
import { agentAttributes, type OwnState } from "./own-attributes.ts";
import { Revisits } from "./revisits.ts";
import type { SelectionFan } from "./selection-fan.ts";

const MOST_SCORE = 10;
/** Claims of one agent within the time in which more of them are two agents with one name. @see RFC 7432 §15.1 */
const MOST_MOVES = 5;
const MOVES_WITHIN = 180_000;
/** Sequence numbers begin with the minute of the claim, so that a restarted router does not fall behind; below it they are counted. */
const COUNTED_BITS = 16n;
/** Of 64 bits on the wire: nobody can claim more, so of two that say this the lower router ID has the agent. @see RFC 7432 §15 */
const LAST_SEQUENCE = 0xffffffffffffffffn;

export interface AgentOriginationParts {
  readonly own: OwnState;
  readonly directory: Directory;
  readonly announcer: Announcer;
  readonly damper: OriginDamper;
  readonly rib: Pick<Rib, "capability" | "attributes">;
  readonly selections: SelectionFan;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent: at once. */
  readonly first?: "in-slices";
}

interface LocalAgent {
  readonly agent: string;
  readonly tenant: Tenant;
  readonly agentId: Uint8Array;
  sequence: bigint;
  /** When it was claimed although somebody else had it, monotonic. */
  moves: number[];
  /** What was decided last: the route is said, or somebody else has it. */
  place: "here" | "elsewhere" | undefined;
  /** What the others may be told of it: it can come and go oftener than that. */
  told: AgentSummary | undefined;
}

interface AgentSummary extends DampedSummary {
  readonly state: "up" | "draining";
  readonly sequence: bigint;
}

/**
 * Keeps one route (AI) for each agent that is here: where it is, with a sequence number that says which move was the latest.
 *
 * An agent that claims to be here gets a higher number than anybody's; when a higher one is heard, it is elsewhere, and the
 * route goes. A renewed lease is no claim. @see RFC 7432 §15
 */
export class AgentOrigination implements Disposable {
  readonly #parts: AgentOriginationParts;
  readonly #local = new Map<string, LocalAgent>();
  readonly #byHash: IdentifierMap<LocalAgent>;
  /** Of those that wait for a visit, the ones that have claimed to be here. */
  readonly #claimed = new Set<string>();
  readonly #revisits: Revisits<string>;
  readonly #subscriptions: readonly Disposable[];

  constructor(parts: AgentOriginationParts) {
    this.#parts = parts;
    const { directory, selections, random } = parts;
    this.#byHash = new IdentifierMap(random);
    const revisits = new Revisits<string>((agent) => this.#visit(agent), parts);
    for (const { agent } of directory.agents())
      if (parts.first === "in-slices") revisits.askLater(agent, agent);
      else this.#consider(agent);
    this.#revisits = revisits;
    this.#subscriptions = [
      revisits,
      directory.subscribeClaims((agent) => {
        this.#claimed.add(agent);
        revisits.ask(agent, agent);
      }),
      directory.subscribe((changes) => {
        let last: string | undefined;
        for (const { agent } of changes.map(({ instance }) => instance)) {
          // All of one change are of one agent, mostly.
          if (agent !== last) revisits.ask(agent, agent);
          last = agent;
        }
      }),
      selections.subscribe({ agent: (selection) => this.#moved(selection) }),
    ];
  }

  /** Resolves when all agents that are known now have been looked at. */
  settled(): Promise<void> {
    return this.#revisits.settled();
  }

  #visit(agent: string): void {
    if (this.#claimed.delete(agent) && this.#parts.directory.agent(agent) !== undefined) this.#claim(agent);
    else this.#consider(agent);
  }

  #claim(agent: string): void {
    const entry = this.#entry(agent);
    if (entry === undefined) return;
    const { candidates } = this.#parts.rib.capability.selectAgent(entry.tenant.index, entry.agentId);
    const others = candidates.filter(({ candidate }) => !candidate.local).map(({ candidate }) => candidate);
    const highest = others.reduce((most, other) => latest(most, this.#sequenceOf(other)), -1n);
    const begun = firstSequence(this.#parts.directory.known(agent));
    if (highest >= latest(begun, entry.sequence) && !this.#mayMove(entry)) return;
    if (highest === LAST_SEQUENCE) {
      this.#parts.log.warn("agent.sequence-exhausted", {
        agent,
        advice:
          "a router claims it with the last sequence number that there is, so that nobody can say of it that it has moved: find that router by semrctl show routes, and have it take the route back",
      });
    }
    const next = highest === LAST_SEQUENCE ? LAST_SEQUENCE : highest + 1n;
    entry.sequence = latest(latest(begun, entry.sequence), next);
    this.#consider(agent);
  }

  /** False for an agent that several routers claim again and again. */
  #mayMove(entry: LocalAgent): boolean {
    const now = this.#parts.clock.monotonic();
    entry.moves = entry.moves.filter((at) => now - at < MOVES_WITHIN);
    if (entry.moves.length >= MOST_MOVES) {
      const { agent } = entry;
      this.#parts.log.warn("agent.duplicate", {
        agent,
        moves: entry.moves.length,
        advice:
          "two agents use this ID, or one registers with two routers in turn: it is left where it was claimed last",
      });
      return false;
    }
    entry.moves.push(now);
    return true;
  }

  #moved({ tenantIndex, agentId }: AgentSelection): void {
    const entry = this.#byHash.get(tenantIndex, agentId);
    if (entry === undefined || entry.place === this.#placeOf(entry)) return;
    this.#say(entry);
  }

  #consider(agent: string): void {
    const states = this.#parts.directory.instancesOf(agent).map(instanceState);
    const isHere = states.some((state) => state !== "down");
    const entry = isHere ? this.#entry(agent) : this.#local.get(agent);
    if (entry === undefined) return;
    if (!isHere) {
      // While it is registered it keeps its sequence number: who is well again has not moved.
      if (this.#parts.directory.agent(agent) === undefined) this.#forget(entry);
      else this.#observe(entry, undefined);
      return;
    }
    const isUp = states.includes("up");
    const { sequence } = entry;
    const score = isUp ? MOST_SCORE : 0;
    this.#observe(entry, { state: isUp ? "up" : "draining", score, weight: 1, usable: isUp ? 1 : 0, sequence });
  }

  /** A move is no noise, and is told at once; an agent that dies and comes back again and again is damped as its sites are. */
  #observe(entry: LocalAgent, summary: AgentSummary | undefined): void {
    const key = `agent ${entry.tenant.index} ${entry.agent}`;
    this.#parts.damper.observe(
      key,
      summary,
      ({ sequence }) => String(sequence),
      (told) => {
        entry.told = told;
        this.#say(entry);
      },
    );
  }

  #say(entry: LocalAgent): void {
    const { announcer, own } = this.#parts;
    const { tenant, told } = entry;
    const nlri = this.#nlriOf(entry);
    entry.place = this.#placeOf(entry);
    if (told === undefined || entry.place === "elsewhere") announcer.retract(nlri);
    else {
      const latest = (): Tenant => own.tenants.get(tenant.name) ?? tenant;
      announcer.say(nlri, (now) => agentAttributes(told, latest(), own, now));
    }
  }

  #nlriOf({ tenant, agentId }: LocalAgent) {
    const { routeDistinguisher } = tenant;
    return { type: "agent", routeDistinguisher, agentId, originId: this.#parts.own.routerId } as const;
  }

  #forget(entry: LocalAgent): void {
    const { agent, tenant, agentId } = entry;
    this.#local.delete(agent);
    this.#byHash.delete(tenant.index, agentId);
    this.#observe(entry, undefined);
  }

  /** Elsewhere: somebody says a later move. */
  #placeOf({ tenant, agentId, sequence }: LocalAgent): "here" | "elsewhere" {
    const { winner } = this.#parts.rib.capability.selectAgent(tenant.index, agentId);
    if (winner === undefined || winner.local) return "here";
    const theirs = this.#sequenceOf(winner);
    const isLater = theirs > sequence || (theirs === sequence && winner.originId < this.#parts.own.routerId);
    return isLater ? "elsewhere" : "here";
  }

  #sequenceOf({ attributes }: CapabilityCandidate): bigint {
    return this.#parts.rib.attributes.get(attributes).semantic?.lease.sequence ?? -1n;
  }

  #entry(agent: string): LocalAgent | undefined {
    const known = this.#local.get(agent);
    const record = this.#parts.directory.agent(agent);
    const tenant = record && this.#parts.own.tenants.get(record.tenant);
    if (known !== undefined) {
      if (tenant === undefined || tenant.index === known.tenant.index) return known;
      // It went and came back as another tenant's before it was visited
      this.#forget(known);
    }
    if (record === undefined || tenant === undefined) return undefined;
    const agentId = agentIdHash(agent);
    const entry = {
      agent,
      tenant,
      agentId,
      sequence: firstSequence(record),
      moves: [],
      place: undefined,
      told: undefined,
    };
    this.#local.set(agent, entry);
    this.#byHash.set(tenant.index, agentId, entry);
    return entry;
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
  }
}

/** An agent of the configuration is where somebody claims to be, before it is where it is configured. */
function firstSequence({ claimedAt }: AgentRecord): bigint {
  return claimedAt === undefined ? 0n : BigInt(Math.floor(claimedAt / 60_000)) << COUNTED_BITS;
}

function latest(one: bigint, two: bigint): bigint {
  return one > two ? one : two;
}
