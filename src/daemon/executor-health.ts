import {
  type Clock,
  formatIpv6,
  IdentifierSet,
  type Log,
  milliseconds,
  parseIpv6,
  type Random,
  type Timer,
} from "../base/index.ts";
import type { DataplaneDriver, NextHopNews } from "../dataplane/index.ts";
import type { Directory } from "../directory/index.ts";
import type { NextHop } from "../forwarding/index.ts";
import type { CapabilityCandidate, CapabilitySelection } from "../rib/index.ts";

/** So long who is out stays out when the executor says nothing of him any more: the plan may have left him out. */
const RETRY = milliseconds(30_000);
const NOBODY = 0;

export interface ExecutorHealthParts {
  readonly driver: DataplaneDriver;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * Acts on what an executor finds out by itself: it lets packets go elsewhere at once, by the slots beside and the backup; here the plan
 * follows, so that they are shared out as they should be. An instance without a check of its own is down in the directory; another
 * router is left out of the groups that have somebody else.
 */
export class ExecutorHealth implements Disposable {
  readonly #parts: ExecutorHealthParts;
  readonly #instances = new Set<string>();
  readonly #routers = new Set<string>();
  /** The locators of the same, as octets: each decision is asked about. Whose they are says nothing. */
  readonly #locators: IdentifierSet;
  #timer: Timer | undefined;
  /** Called when selections have to be looked at again. */
  onChange: () => void = () => undefined;

  constructor(parts: ExecutorHealthParts) {
    this.#parts = parts;
    this.#locators = new IdentifierSet(parts.random);
    parts.driver.watchNextHops?.((news) => this.#take(news));
  }

  /** What is left of a selection; all of it where nobody would be left: then the executor knows best what to do. */
  eligible(selection: CapabilitySelection): CapabilitySelection {
    if (this.#locators.size === 0 || !selection.group.some((member) => this.#isOut(member))) return selection;
    const group = selection.group.filter((member) => !this.#isOut(member));
    if (group.length === 0) return selection;
    const { tenantIndex, capabilityId, winner, candidates } = selection;
    return {
      ...{ tenantIndex, capabilityId, group, winner, candidates },
      // It may be made when it is read.
      get name() {
        return selection.name;
      },
    };
  }

  #isOut({ nextHop, local }: CapabilityCandidate): boolean {
    return !local && this.#locators.has(NOBODY, nextHop);
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.onChange = () => undefined;
  }

  #take({ nextHop, unreachable, reason }: NextHopNews): void {
    if (nextHop.kind === "instance") this.#instance(nextHop.instance, unreachable, reason);
    if (nextHop.kind === "tunnel") this.#router(formatIpv6(nextHop.locator), unreachable);
    this.#arm();
  }

  #instance(id: string, unreachable: boolean, reason: string): void {
    const { directory, log } = this.#parts;
    const instance = directory.instance(id);
    if (instance === undefined || instance.check !== undefined) return;
    if (unreachable) this.#instances.add(id);
    else if (!this.#instances.delete(id)) return;
    log.warn(unreachable ? "health.executor.out" : "health.executor.in", { instance: id, reason });
    directory.setHealth(id, unreachable ? "down" : "unknown", unreachable ? `the executor: ${reason}` : undefined);
  }

  #router(locator: string, unreachable: boolean): void {
    if (this.#routers.has(locator) === unreachable) return;
    const octets = parseIpv6(locator)!;
    if (unreachable) {
      this.#routers.add(locator);
      this.#locators.add(NOBODY, octets);
    } else {
      this.#routers.delete(locator);
      this.#locators.delete(NOBODY, octets);
    }
    this.onChange();
  }

  #arm(): void {
    if (this.#instances.size + this.#routers.size === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    } else this.#timer ??= this.#parts.clock.after(RETRY, () => this.#lookAgain());
  }

  /** Who the executor does not name any more is tried again: it has lost its session, or its plan has no such next hop. */
  #lookAgain(): void {
    this.#timer = undefined;
    const { driver } = this.#parts;
    const named = (driver.executor?.unreachable ?? []).map(
      ({ nextHop }) => driver.plan.plannedNextHop(nextHop)?.nextHop,
    );
    const still = (kind: NextHop["kind"], name: string): boolean =>
      named.some((one) => one?.kind === kind && nameOf(one) === name);
    for (const id of [...this.#instances]) if (!still("instance", id)) this.#instance(id, false, "");
    for (const locator of [...this.#routers]) if (!still("tunnel", locator)) this.#router(locator, false);
    this.#arm();
  }
}

const nameOf = (nextHop: NextHop): string =>
  nextHop.kind === "tunnel" ? formatIpv6(nextHop.locator) : nextHop.kind === "instance" ? nextHop.instance : "";
