import { readFileSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import {
  formatIpv6,
  type Ipv6Address,
  type Log,
  messageOf,
  parseIpv6,
  parseIpv6Prefix,
  prefixContains,
  Scope,
  toHex,
} from "../../base/index.ts";
import type {
  HeldPlan,
  NextHopIndex,
  NextHopState,
  Operation,
  PlanSnapshot,
  PlanView,
} from "../../forwarding/index.ts";
import { VERDICTS } from "../abi.ts";
import type { DataplaneCounters, DataplaneDriver, DataplaneOptions, PortOptions, PortReport } from "../driver.ts";
import type { Feature } from "../features.ts";
import { findTunnel } from "../find-tunnel.ts";
import { PlanTables } from "../memory/plan-tables.ts";
import { type Command, fixedCommands, PROTOCOL, removeNextHop, removeUnreachable } from "./commands.ts";
import { CommandFeed } from "./feed.ts";
import { carryOut, listedNextHops, listedRules, listedUnreachable } from "./kernel.ts";
import { CANNOT, LIMITS } from "./limits.ts";
import { hereAndNow, type PlanHeader, readPlan, removePlan, writePlan } from "./plan-file.ts";
import { orWhyNot, SETTINGS } from "./probe.ts";
import { LinuxProgram } from "./program.ts";
import { readRules, ruleChanges, ruleRemoval, rulesFor } from "./rules.ts";

export interface LinuxOptions {
  /** Where the plan lies for the process after this one. */
  readonly planFile: string;
}

export interface LinuxDataplane extends DataplaneDriver {
  readonly name: "linux";
  /** Resolves when all that was applied is in effect. */
  settled(): Promise<void>;
}

const LAYOUT = 1;
const LOOK_AGAIN_MS = 2000;
const WRITE_AFTER_MS = 1000;
const FOLDER = "/proc/sys/net/ipv6";

/**
 * Routes, rules and next-hop groups of the kernel, for hosts without BPF. Takes over what an earlier process of the same boot
 * left, or begins anew.
 *
 * @throws {DataplaneError} `dataplane.no-rights`, `dataplane.unsupported-kernel`
 */
export async function startLinuxDataplane(
  options: DataplaneOptions,
  linux: LinuxOptions,
  { log }: { readonly log: Log },
): Promise<LinuxDataplane> {
  const scope = new Scope();
  try {
    const driver = new LinuxDriver(options, linux, log, scope);
    await driver.start();
    return driver;
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

class LinuxDriver implements LinuxDataplane {
  readonly name = "linux";
  readonly cannot: ReadonlyMap<Feature, string> = CANNOT;
  readonly #options: DataplaneOptions;
  readonly #planFile: string;
  readonly #log: Log;
  readonly #scope: Scope;
  readonly #plan: PlanTables;
  readonly #program: LinuxProgram;
  readonly #feed: CommandFeed;
  readonly #header: Omit<PlanHeader, "generation">;
  #portOptions: readonly PortOptions[];
  #rules: Promise<void> = Promise.resolve();
  #writing: NodeJS.Timeout | undefined;
  #written: Promise<void> = Promise.resolve();
  #writtenAt = Number.NEGATIVE_INFINITY;
  #generation = 0;
  #removed = false;
  adopted = false;

  constructor(options: DataplaneOptions, { planFile }: LinuxOptions, log: Log, scope: Scope) {
    const { domain, locator } = options;
    this.#options = options;
    this.#planFile = planFile;
    this.#log = log;
    this.#scope = scope;
    this.#portOptions = options.ports;
    this.#plan = new PlanTables(domain, options.maxCapabilities);
    this.#program = new LinuxProgram(this.#plan, {
      linkTo: (address) => linkTo(address, this.#portOptions),
      tunnelMtu: options.tunnelMtu,
    });
    this.#feed = new CommandFeed({ log, everything: () => this.#everything() });
    this.#header = { layout: LAYOUT, domain: toHex(domain.address), locator: toHex(locator), ...hereAndNow() };
  }

  async start(): Promise<void> {
    await this.#begin();
    const found = readPlan(this.#planFile, this.#header);
    if (found === undefined) await carryOut(await this.#leftovers());
    for (const [position, operation] of (found?.operations ?? []).entries()) this.#program.apply(operation, position);
    this.#generation = found?.generation ?? 0;
    this.adopted = this.#generation > 0;
    this.#scope.own(this.#feed);
    this.#scope.defer(() => this.#write());
    this.#feed.replay();
    await this.#feed.settled();
    await this.#setRules();
    const timer = setInterval(() => void this.#lookAgain(), LOOK_AGAIN_MS).unref();
    this.#scope.defer(() => clearInterval(timer));
    this.#log.info("dataplane.linux.started", { adopted: this.adopted, generation: this.#generation });
  }

  get ports(): readonly PortReport[] {
    const there = networkInterfaces();
    return this.#portOptions.map(({ interface: name, role, tenantIndex }) => {
      const report = { interface: name, ifindex: 0, role, tenantIndex, adopted: this.adopted };
      return there[name] === undefined
        ? { ...report, hook: "none", reason: "the interface is not there, or down, or without an address" }
        : { ...report, hook: "routes" };
    });
  }

  get aggregates(): number {
    return this.#plan.sizes.aggregates;
  }

  get limits(): readonly string[] {
    const found = this.ports.flatMap(({ interface: name, reason }) => (reason ? [`${name}: ${reason}.`] : []));
    if (readFileSync(`${FOLDER}/conf/all/forwarding`, "latin1").trim() !== "1")
      found.push("IPv6 forwarding is off, so the kernel sends nothing on: sysctl -w net.ipv6.conf.all.forwarding=1.");
    const unusable = new Set<string>();
    for (const [, { nextHop }] of this.#plan.plannedNextHops()) {
      const reason = this.#program.whyUnusable(nextHop);
      if (reason !== undefined) unusable.add(`Some next hops of the plan (${nextHop.kind}) are not used: ${reason}.`);
    }
    return [...found, ...unusable, ...LIMITS];
  }

  get plan(): PlanView {
    return this.#plan;
  }

  held(): HeldPlan {
    return this.#plan.held(this.#generation);
  }

  snapshot(): PlanSnapshot {
    return this.#plan.snapshot(this.#generation);
  }

  apply(operations: readonly Operation[], generation: number): void {
    let nodes = false;
    for (const [position, operation] of operations.entries()) {
      this.#feed.push(this.#program.apply(operation, position));
      nodes ||= operation.type === "set-node" || operation.type === "remove-node";
    }
    this.#generation = generation;
    if (nodes) this.#setRulesSoon();
    this.#writeSoon();
  }

  setHealth(nextHop: NextHopIndex, state: NextHopState): void {
    this.#feed.push(this.#program.setState(nextHop, state));
    this.#writeSoon();
  }

  tunnelTo(locator: Ipv6Address): NextHopIndex | undefined {
    return findTunnel(this.#plan, locator);
  }

  stateWord(_nextHop: NextHopIndex): undefined {}

  async changePorts(ports: readonly PortOptions[]): Promise<void> {
    this.#portOptions = ports;
    this.#feed.replay();
    await this.#feed.settled();
    await this.#setRules();
  }

  counters(): DataplaneCounters {
    const nextHops = this.#plan
      .nextHopIndexes()
      .map((index) => [index, { packets: 0n, bytes: 0n, flows: 0n }] as const);
    return { verdicts: new Map(VERDICTS.map((name) => [name, 0n])), nextHops: new Map(nextHops) };
  }

  async settled(): Promise<void> {
    await this.#feed.settled();
    await this.#rules;
  }

  async remove(): Promise<void> {
    this.#removed = true;
    await this[Symbol.asyncDispose]();
    const { ours } = readRules(await listedRules());
    await carryOut([...ruleRemoval(ours), ...(await this.#leftovers())]);
    await removePlan(this.#planFile);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rules.catch(() => undefined);
    await this.#scope[Symbol.asyncDispose]();
  }

  /** Whether this kernel, and this process, can. */
  #begin(): Promise<void> {
    return orWhyNot(async () => {
      for (const [file, value] of SETTINGS) writeFileSync(file, value);
      const { domain, locator } = this.#options;
      await carryOut(fixedCommands(domain, locator, this.#tenants()));
    });
  }

  #tenants(): number[] {
    const all = this.#portOptions.flatMap(({ tenantIndex, sources }) => [{ tenantIndex }, ...(sources ?? [])]);
    return [...new Set(all.map(({ tenantIndex }) => tenantIndex))];
  }

  *#everything(): Generator<Command> {
    const { domain, locator } = this.#options;
    yield* fixedCommands(domain, locator, this.#tenants());
    yield* this.#program.everything();
  }

  /** What the kernel holds of an earlier plan that nobody knows any more. Routes go with their next hops. */
  async #leftovers(): Promise<Command[]> {
    const commands = [...(await listedNextHops(PROTOCOL))].toSorted((a, b) => a - b).map(removeNextHop);
    for (const { dst, table } of await listedUnreachable(PROTOCOL)) commands.push(removeUnreachable(dst, table));
    return commands;
  }

  /** One after the other. */
  #setRules(): Promise<void> {
    this.#rules = this.#rules
      .catch(() => undefined)
      .then(async () => {
        const { domain, locator } = this.#options;
        const { ours, localIsFirst } = readRules(await listedRules());
        const nodes = Iterator.from(this.#plan.nodes()).map((node) => node.locator);
        await carryOut(ruleChanges(ours, rulesFor(domain, locator, this.#portOptions, nodes), localIsFirst));
      });
    return this.#rules;
  }

  #setRulesSoon(): void {
    this.#setRules().catch((cause: unknown) =>
      this.#log.error("dataplane.linux.rules", {
        reason: messageOf(cause),
        effect: "packets of new routers are refused",
      }),
    );
  }

  /** Interfaces that went down took next hops and groups with them. */
  async #lookAgain(): Promise<void> {
    try {
      await this.#feed.settled();
      const present = await listedNextHops(PROTOCOL);
      const missing = [...this.#program.ids()].filter((id) => !present.has(id));
      if (missing.length === 0) return;
      this.#log.warn("dataplane.linux.next-hops-gone", { count: missing.length });
      this.#feed.replay();
    } catch (cause) {
      this.#log.debug("dataplane.linux.not-looked", { reason: messageOf(cause) });
    }
  }

  /** At once when the last time is long ago, for a process that is killed. */
  #writeSoon(): void {
    const wait = Math.max(0, this.#writtenAt + WRITE_AFTER_MS - performance.now());
    this.#writing ??= setTimeout(() => {
      this.#writing = undefined;
      this.#writtenAt = performance.now();
      this.#written = this.#written.then(() => this.#writeNow());
    }, wait).unref();
  }

  async #writeNow(): Promise<void> {
    try {
      await writePlan(this.#planFile, { ...this.#header, generation: this.#generation }, this.#plan);
    } catch (cause) {
      this.#log.error("dataplane.linux.plan-not-written", { path: this.#planFile, reason: messageOf(cause) });
    }
  }

  async #write(): Promise<void> {
    clearTimeout(this.#writing);
    await this.#written;
    if (!this.#removed) await this.#writeNow();
  }
}

/** The agent port on whose link an address is. */
function linkTo(address: Ipv6Address, ports: readonly PortOptions[]): string | undefined {
  const there = networkInterfaces();
  return ports.find(
    ({ interface: name, role }) =>
      role === "agent" &&
      there[name]?.some(({ cidr, family }) => {
        const prefix = family === "IPv6" && cidr !== null ? linkPrefix(cidr) : undefined;
        return prefix !== undefined && prefixContains(prefix, address);
      }),
  )?.interface;
}

/** The prefix of an interface's address, which has bits behind it. */
function linkPrefix(cidr: string): ReturnType<typeof parseIpv6Prefix> {
  const [text = "", bits = "128"] = cidr.split("/");
  const address = parseIpv6(text);
  const length = Number(bits);
  if (address === undefined || length === 128 || (address[0] === 0xfe && address[1] === 0x80)) return undefined;
  const network = address.map((octet, i) => octet & (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))) & 0xff);
  return parseIpv6Prefix(`${formatIpv6(network)}/${length}`);
}
