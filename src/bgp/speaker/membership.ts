import { toHex } from "../../base/index.ts";
import type { AttributeId, AttributeTable, KeyBatch } from "../../rib/index.ts";
import { isRouteTarget } from "../wire/index.ts";

/** Of a whole NLRI: AS and route target. @see RFC 4684 §4 */
const WHOLE_BITS = 96;
const TARGET_AT = 4;
const TARGET_OCTETS = 8;

/** The beginning of route targets. */
interface Beginning {
  readonly octets: Uint8Array;
  readonly bits: number;
}

/** What is asked about a set, kept with the serial of the set and the time at which it was true. */
interface Answer {
  readonly serial: number;
  readonly version: number;
  readonly wanted: boolean;
}

/**
 * Which route targets one neighbour wants on one session, by what it has said in AFI 1, SAFI 132: whatever carries none of them
 * is not sent to it. Who originates a membership does not matter, only what for it is. @see RFC 4684 §6
 */
export class Membership {
  readonly #attributes: AttributeTable;
  /** NLRI in hexadecimal. */
  readonly #said = new Set<string>();
  /** Route targets in hexadecimal, with the number of NLRI that name them. */
  readonly #whole = new Map<string, number>();
  readonly #beginnings = new Map<string, Beginning>();
  readonly #answers = new Map<AttributeId, Answer>();
  #version = 0;
  /** The neighbour has said all of its memberships, or had its time. */
  settled = false;
  /** To be called when it has said all. */
  onSettled: (() => void) | undefined;
  /** What changed since it was asked for last. */
  #changed: Map<string, Beginning> = new Map();
  onChange: (() => void) | undefined;

  constructor(attributes: AttributeTable) {
    this.#attributes = attributes;
  }

  announced(keys: KeyBatch): void {
    this.#each(keys, (key) => {
      const said = toHex(key);
      if (this.#said.has(said)) return;
      this.#said.add(said);
      const beginning = beginningOf(key);
      if (beginning.bits < 8 * TARGET_OCTETS) this.#beginnings.set(said, beginning);
      else this.#count(beginning, 1);
      this.#noteChange(said, beginning);
    });
  }

  withdrawn(keys: KeyBatch): void {
    this.#each(keys, (key) => {
      const said = toHex(key);
      if (!this.#said.delete(said)) return;
      const beginning = beginningOf(key);
      if (!this.#beginnings.delete(said)) this.#count(beginning, -1);
      this.#noteChange(said, beginning);
    });
  }

  #each({ octets, starts, lengths, count }: KeyBatch, visit: (key: Uint8Array) => void): void {
    for (let i = 0; i < count; i++) visit(octets.slice(starts[i]!, starts[i]! + lengths[i]!));
  }

  #count({ octets }: Beginning, by: 1 | -1): void {
    const target = toHex(octets);
    const count = (this.#whole.get(target) ?? 0) + by;
    if (count === 0) this.#whole.delete(target);
    else this.#whole.set(target, count);
  }

  #noteChange(said: string, beginning: Beginning): void {
    this.#version++;
    this.#changed.set(said, beginning);
    this.onChange?.();
  }

  /** NLRI that count. */
  get size(): number {
    return this.#said.size;
  }

  /** Whether the neighbour wants routes with this set. Asked once per set and change. */
  wants(id: AttributeId): boolean {
    const serial = this.#attributes.serial(id);
    const known = this.#answers.get(id);
    if (known?.serial === serial && known.version === this.#version) return known.wanted;
    const wanted = this.#targetsOf(id).some((target) => this.#isWanted(target));
    this.#answers.set(id, { serial, version: this.#version, wanted });
    return wanted;
  }

  #isWanted(target: Uint8Array): boolean {
    if (this.#whole.has(toHex(target))) return true;
    for (const beginning of this.#beginnings.values()) if (beginsWith(target, beginning)) return true;
    return false;
  }

  #targetsOf(id: AttributeId): readonly Uint8Array[] {
    return this.#attributes.get(id).extendedCommunities.filter(isRouteTarget);
  }

  /** A question about what changed since this was called last: does it concern routes with this set? */
  takeChanges(): (id: AttributeId) => boolean {
    const changed = [...this.#changed.values()];
    this.#changed = new Map();
    const answers = new Map<AttributeId, { readonly serial: number; readonly concerned: boolean }>();
    return (id) => {
      const serial = this.#attributes.serial(id);
      const known = answers.get(id);
      if (known?.serial === serial) return known.concerned;
      const targets = this.#targetsOf(id);
      const concerned = changed.some((beginning) => targets.some((target) => beginsWith(target, beginning)));
      answers.set(id, { serial, concerned });
      return concerned;
    };
  }
}

/** The part of the route target in a key `| bits | AS | route target |`; nothing of it for the default membership and a whole AS. */
function beginningOf(key: Uint8Array): Beginning {
  const bits = Math.max(0, key[0]! - 8 * TARGET_AT);
  return { octets: key.slice(1 + TARGET_AT), bits: Math.min(bits, WHOLE_BITS - 8 * TARGET_AT) };
}

function beginsWith(target: Uint8Array, { octets, bits }: Beginning): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (target[i] !== octets[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (target[whole]! ^ octets[whole]!) >> (8 - rest) === 0;
}
