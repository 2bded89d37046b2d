import { type Clock, type Log, type Milliseconds, messageOf, milliseconds, Slices } from "../base/index.ts";
import type { Directory } from "./directory.ts";
import { DirectoryError } from "./faults.ts";
import {
  type AgentRecord,
  type AgentRequest,
  amended,
  type Hold,
  held,
  type Offer,
  offerId,
  registered,
  renewed,
  withinGrant,
} from "./record.ts";
import type { DirectoryChange, Instance } from "./types.ts";

/** Where acknowledged records survive a crash. */
export interface DirectoryStore {
  /** What was acknowledged before this process began: the last record of each agent. */
  readonly restored: readonly AgentRecord[];
  /** Resolves when `record` survives a crash. @throws {DirectoryError} directory.store-failed */
  put(record: AgentRecord): Promise<void>;
  /** Resolves when the absence of `agent` survives a crash. @throws {DirectoryError} directory.store-failed */
  delete(agent: string): Promise<void>;
}

export interface RegistrarParts {
  readonly directory: Directory;
  readonly store: DirectoryStore;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Changes the directory on behalf of agents and operators, durably: what is resolved survives kill -9.
 *
 * Each change is checked, written to the store, and only then made, so nothing is announced that a restart would not know,
 * and a store that fails refuses the change with the router as it was. Changes of one agent happen one after the other;
 * those of different agents share the store's writes.
 */
export class Registrar {
  readonly #directory: Directory;
  readonly #store: DirectoryStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Instances per tenant that are being written and not in the directory yet. */
  readonly #reserved = new Map<string, number>();

  constructor(parts: RegistrarParts) {
    this.#directory = parts.directory;
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#log = parts.log;
    // What ran out is as gone as what was deregistered: else the store would keep every agent there ever was.
    this.#directory.subscribe((changes) => {
      const isEnded = (change: DirectoryChange) => change.type === "removed" && change.cause === "lease-expired";
      if (!changes.some(isEnded)) return;
      const ended = changes.filter(isEnded);
      for (const agent of new Set(ended.map(({ instance }) => instance.agent))) void this.forget(agent);
    });
  }

  /**
   * Puts back what the store holds, with what is left of each lease. Call once, after the configured agents are in: a record
   * of a configured agent gives it back only what an operator had decided.
   *
   * What the configuration no longer `serves` is left out and stays in the store: it is back when the configuration is. It takes
   * many turns where there is much.
   */
  async restore(serves: (tenant: string, offer: Offer) => boolean): Promise<void> {
    let agents = 0;
    let expired = 0;
    const slices = new Slices(this.#clock);
    for (const stored of this.#store.restored) {
      if (slices.isOver) await slices.next();
      if (stored.lease !== undefined && stored.lease.validUntil <= this.#clock.wall()) {
        expired++;
        void this.forget(stored.agent);
        continue;
      }
      const record = this.#served(withinGrant(stored, this.#clock.wall()), serves);
      if (record.offers.length === 0 && stored.offers.length > 0) continue;
      const configured = this.#directory.agent(record.agent);
      if (configured === undefined && record.source === "configuration") {
        // What was decided about it ends with it: one of the same name that comes later begins anew.
        void this.forget(record.agent);
        continue;
      }
      try {
        this.#directory.put(configured === undefined ? record : heldAs(configured, record));
        agents++;
      } catch (cause) {
        if (!(cause instanceof DirectoryError)) throw cause;
        this.#log.warn("directory.restore.refused", { agent: record.agent, code: cause.code });
      }
    }
    this.#log.info("directory.restored", { agents, expired });
  }

  #served(record: AgentRecord, serves: (tenant: string, offer: Offer) => boolean): AgentRecord {
    const offers = record.offers.filter((offer) => serves(record.tenant, offer));
    if (offers.length === record.offers.length) return record;
    const left = record.offers.filter((offer) => !offers.includes(offer));
    this.#log.warn("directory.restore.not-served", {
      agent: record.agent,
      tenant: record.tenant,
      capabilities: left.map(({ capability, version }) => `${capability} ${version.major}`),
      advice: "the configuration has no such tenant or capability: put it back, or let the agent register anew",
    });
    return { ...record, offers };
  }

  /**
   * Registers an agent, replacing what it offered before.
   * @throws {DirectoryError} directory.agent-held, directory.duplicate-instance, directory.capability-limit, directory.store-failed
   */
  register(request: AgentRequest): Promise<readonly Instance[]> {
    return this.#change(request.agent, (current, now) => registered(current, request, now));
  }

  /** @throws {DirectoryError} directory.unknown-agent, directory.lease-expired, directory.store-failed */
  renew(agent: string, span: Milliseconds): Promise<readonly Instance[]> {
    return this.#change(agent, (_, now) => renewed(this.#directory.leased(agent), span, now));
  }

  /**
   * Puts `changed` offers in, takes the instances in `gone` out.
   * @throws {DirectoryError} as {@link register} and directory.unknown-agent, directory.unknown-instance, directory.lease-expired
   */
  amend(agent: string, changed: readonly Offer[], gone: ReadonlySet<string>): Promise<readonly Instance[]> {
    return this.#change(agent, (_, now) => {
      const current = this.#directory.leased(agent);
      this.#refuseUnknown(current, gone);
      return amended(current, changed, gone, now);
    });
  }

  /** Takes instances out of service or, without `hold`, back. @throws {DirectoryError} directory.unknown-agent, directory.unknown-instance, directory.store-failed */
  hold(agent: string, hold: Hold | undefined, instances?: ReadonlySet<string>): Promise<readonly Instance[]> {
    return this.#change(agent, () => {
      const current = this.#directory.known(agent);
      if (instances !== undefined) this.#refuseUnknown(current, instances);
      return held(current, hold, instances);
    });
  }

  /** @throws {DirectoryError} directory.unknown-agent, directory.store-failed */
  async remove(agent: string, cause: "deregistered" | "command"): Promise<void> {
    await this.#inTurn(agent, async () => {
      this.#directory.known(agent);
      await this.#store.delete(agent);
      this.#directory.remove(agent, cause);
    });
  }

  /** Takes an agent that is not in the directory out of the store. What fails now is done at the next start. */
  async forget(agent: string): Promise<void> {
    await Promise.resolve(); // listeners are told while the directory is still taking it out
    try {
      await this.#inTurn(agent, async () => {
        if (this.#directory.agent(agent) === undefined) await this.#store.delete(agent);
      });
    } catch (cause) {
      this.#log.warn("directory.forget-failed", { agent, reason: messageOf(cause) });
    }
  }

  #change(
    agent: string,
    next: (current: AgentRecord | undefined, now: Milliseconds) => AgentRecord,
  ): Promise<readonly Instance[]> {
    return this.#inTurn(agent, async () => {
      const current = this.#directory.agent(agent);
      const record = next(current, this.#clock.wall());
      const reserved = this.#reserved.get(record.tenant) ?? 0;
      this.#directory.check(record, reserved);
      const grows = Math.max(0, record.offers.length - (current?.offers.length ?? 0));
      this.#reserved.set(record.tenant, reserved + grows);
      try {
        await this.#store.put(record);
      } finally {
        this.#reserved.set(record.tenant, this.#reserved.get(record.tenant)! - grows);
      }
      try {
        return this.#directory.put(record);
      } catch (cause) {
        // Only when the configuration changed meanwhile: what was written must not come back at the next start.
        if (cause instanceof DirectoryError) await this.#store.delete(agent);
        throw cause;
      }
    });
  }

  #refuseUnknown(record: AgentRecord, instances: ReadonlySet<string>): void {
    const known = new Set(record.offers.map((offer) => offerId(record.agent, offer)));
    for (const instance of instances) {
      if (known.has(instance)) continue;
      throw new DirectoryError({ code: "directory.unknown-instance", agent: record.agent, instance });
    }
  }

  async #inTurn<T>(agent: string, run: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(agent);
    const turn = before === undefined ? run() : before.then(run, run);
    this.#turns.set(agent, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(agent) === turn) this.#turns.delete(agent);
    }
  }
}

/** The configured record with the operator's holds of the stored one. */
function heldAs(configured: AgentRecord, stored: AgentRecord): AgentRecord {
  const holds = new Map(stored.offers.map((offer) => [offerId(stored.agent, offer), offer.hold]));
  const offers = configured.offers.map((offer) => {
    const hold = holds.get(offerId(configured.agent, offer));
    return hold?.by === "operator" ? { ...offer, hold } : offer;
  });
  return { ...configured, offers };
}

/** How a drain is asked for: from now, down at `deadline`. */
export function draining(by: Hold["by"], now: Milliseconds, after: Milliseconds | undefined): Hold {
  return { state: "draining", by, ...(after === undefined ? {} : { deadline: milliseconds(now + after) }) };
}
