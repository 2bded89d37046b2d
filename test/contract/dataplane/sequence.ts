import fc from "fast-check";
import { parseIpv6, parseIpv6Prefix, toHex } from "../../../src/base/index.ts";
import type { Encapsulation, NextHop, NextHopState, Operation } from "../../../src/forwarding/index.ts";
import { Expected } from "./expected.ts";

const INDEXES = 6;
const ADDRESSES = Array.from({ length: 12 }, (_, i) => parseIpv6(`fd5e:0:0:1:8001:${i % 3}:1:${Math.floor(i / 3)}`)!);
const PREFIXES = ["1::/64", "1:8001::/80", "2::/64"].map((rest) => parseIpv6Prefix(`fd5e:0:0:${rest}`)!);
const LOCATORS = Array.from({ length: 4 }, (_, i) => parseIpv6(`2001:db8:f::${i + 2}`)!);
const STATES: readonly NextHopState[] = ["up", "down", "draining"];

/** Chooses by a stream of numbers, so that fast-check can shrink what was chosen. */
class Choices {
  readonly #numbers: readonly number[];
  #next = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  get left(): boolean {
    return this.#next < this.#numbers.length;
  }

  below(limit: number): number {
    return (this.#numbers[this.#next++] ?? 0) % limit;
  }

  of<T>(values: readonly T[]): T | undefined {
    return values.length === 0 ? undefined : values[this.below(values.length)];
  }
}

function encapsulation(choices: Choices): { readonly encapsulation?: Encapsulation } {
  switch (choices.below(3)) {
    case 0:
      return {};
    case 1: {
      const waypoints = Array.from({ length: 1 + choices.below(6) }, () => choices.of(LOCATORS)!);
      return { encapsulation: { kind: "segments", waypoints } };
    }
    default: {
      const [destination, source] = [6, 7].map((last) => Uint8Array.of(2, 0, 0, 0, choices.below(256), last));
      const vni = 1 + choices.below(0xff_ffff);
      return { encapsulation: { kind: "vxlan", vni, destination: destination!, source: source! } };
    }
  }
}

function nextHop(choices: Choices): NextHop {
  switch (choices.below(3)) {
    case 0:
      return { kind: "local" };
    case 1:
      return { kind: "tunnel", locator: choices.of(LOCATORS)!, ...encapsulation(choices) };
    default:
      return {
        kind: "instance",
        instance: choices.of(["0123456789abcdef", "x", "an-id-of-24-characters-.."])!.slice(0, 24),
        address: choices.of(LOCATORS)!,
        port: 1 + choices.below(65535),
        protocol: choices.below(2) === 0 ? "tcp" : "udp",
        servicePort: 1 + choices.below(65535),
      };
  }
}

/** An operation that the tables allow, `undefined` when the one that was chosen is not allowed. */
function operation(choices: Choices, tables: Expected): Operation | undefined {
  const hops = [...tables.nextHops.keys()];
  const groups = [...tables.groups.keys()];
  switch (choices.below(13)) {
    case 0:
    case 1: {
      const index = 1 + choices.below(INDEXES);
      const state = choices.of(STATES)!;
      return { type: "set-next-hop", index, nextHop: tables.nextHops.get(index)?.nextHop ?? nextHop(choices), state };
    }
    case 2: {
      const index = choices.of(hops);
      return index === undefined ? undefined : { type: "set-next-hop-state", index, state: choices.of(STATES)! };
    }
    case 3: {
      const named = new Set(
        [...tables.groups.values()].flatMap(({ slots, backup }) => [
          backup,
          ...slots.flatMap(({ current, previous }) => [current, previous]),
        ]),
      );
      const index = choices.of(hops.filter((hop) => !named.has(hop)));
      return index === undefined ? undefined : { type: "remove-next-hop", index };
    }
    case 4: {
      const owner = (): number => choices.of([0, ...hops])!;
      const first = choices.below(64);
      const slots = Array.from({ length: choices.below(64 - first + 1) }, (_, i) => ({
        slot: first + i,
        current: owner(),
        previous: owner(),
      }));
      return { type: "set-slots", group: 1 + choices.below(INDEXES), slots, backup: owner() };
    }
    case 5: {
      const leading = [...tables.capabilities.values()].flatMap(({ group, localGroup }) => [group, localGroup]);
      const named = new Set([...leading, ...tables.aggregates.values().map(({ group }) => group)]);
      const group = choices.of(groups.filter((index) => !named.has(index)));
      return group === undefined ? undefined : { type: "remove-group", group };
    }
    case 6:
    case 7: {
      const group = (): number => choices.of([0, ...groups])!;
      return {
        type: "set-capability",
        entry: { address: choices.of(ADDRESSES)!, group: group(), localGroup: group() },
      };
    }
    case 8: {
      const entry = choices.of([...tables.capabilities.values()]);
      return entry === undefined ? undefined : { type: "remove-capability", address: entry.address };
    }
    case 11: {
      const group = choices.of(groups);
      const prefix = choices.of(PREFIXES)!;
      return group === undefined ? undefined : { type: "set-aggregate", aggregate: { prefix, group } };
    }
    case 12: {
      const entry = choices.of([...tables.aggregates.values()]);
      return entry === undefined ? undefined : { type: "remove-aggregate", prefix: entry.prefix };
    }
    case 9: {
      const index = choices.of(hops.filter((hop) => tables.nextHops.get(hop)!.nextHop.kind === "tunnel"));
      return index === undefined ? undefined : { type: "set-encapsulation", index, ...encapsulation(choices) };
    }
    default: {
      const locator = choices.of(LOCATORS)!;
      const present = tables.nodes.has(toHex(locator));
      if (present && choices.below(2) === 0) return { type: "remove-node", locator };
      return { type: "set-node", locator, ...(choices.below(3) === 0 ? { vni: 1 + choices.below(0xff_ffff) } : {}) };
    }
  }
}

/** Operations that are allowed one after the other from empty tables. */
export const sequence: fc.Arbitrary<readonly Operation[]> = fc
  .array(fc.nat(0xffff), { maxLength: 400, size: "max" })
  .map((numbers) => {
    const choices = new Choices(numbers);
    const tables = new Expected();
    const operations: Operation[] = [];
    while (choices.left) {
      const next = operation(choices, tables);
      if (next === undefined) continue;
      tables.apply(next);
      operations.push(next);
    }
    return operations;
  });
