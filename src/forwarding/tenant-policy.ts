import { type CapabilityName, capabilityLabels } from "../base/index.ts";
import type { PolicyTerms } from "./policy.ts";

/** Which capabilities of a tenant are meant, all versions of them. */
export interface CapabilityMatch {
  readonly names: readonly CapabilityName[];
  /** Themselves and all below; `/` stands for every capability. */
  readonly prefixes: readonly string[];
}

/** Tenants that may call capabilities of another one. */
export interface AccessRule extends CapabilityMatch {
  /** Indexes. */
  readonly from: readonly number[];
}

/** What is done to packets for capabilities; rates are those of each single one. */
export interface CapabilityTerms extends CapabilityMatch, PolicyTerms {
  readonly counted: boolean;
}

/** What is configured for a tenant. */
export interface TenantPolicy {
  readonly tenantIndex: number;
  /** What is done to all that its clients send. */
  readonly clients?: PolicyTerms;
  /** Who besides its own may call its capabilities. */
  readonly rules: readonly AccessRule[];
  readonly capabilities: readonly CapabilityTerms[];
}

/** What all rules that fit a capability come to. */
export interface Effective extends PolicyTerms {
  readonly counted: boolean;
  /** Tenant indexes, ascending. */
  readonly allowed: readonly number[];
}

/** A name or a prefix that rules have, and all that holds there. */
export interface RulePlace {
  readonly key: string;
  readonly effective: Effective;
}

interface Said {
  terms: PolicyTerms & { readonly counted?: boolean };
  readonly allowed: Set<number>;
}

const ROOT = "/";

/**
 * The rules of one tenant by name and prefix. Tenants that are let in add up; of limits and marks the longest match wins, a
 * name before a prefix, each by itself. Capabilities with the same longest match have the same rules.
 */
export class RuleIndex {
  readonly #said = new Map<string, Said>();
  readonly #places = new Map<string, RulePlace>();
  readonly #tenantIndex: number;

  constructor({ tenantIndex, rules, capabilities }: TenantPolicy) {
    this.#tenantIndex = tenantIndex;
    for (const rule of rules)
      for (const said of this.#at(rule)) for (const tenant of rule.from) said.allowed.add(tenant);
    for (const entry of capabilities)
      for (const said of this.#at(entry)) said.terms = { ...said.terms, ...given(entry) };
  }

  /** What holds for a capability, `undefined` where no rule fits. Cost: a look for each label. */
  of(name: CapabilityName): RulePlace | undefined {
    return this.#placeOf([...prefixKeys(name), nameKey(name)]);
  }

  /** What holds for everything below a prefix, `/` for all. */
  below(prefix: string): RulePlace | undefined {
    return this.#placeOf(prefix === ROOT ? [prefixKey(ROOT)] : prefixKeys(prefix as CapabilityName));
  }

  #placeOf(chain: readonly string[]): RulePlace | undefined {
    const fitting = chain.filter((key) => this.#said.has(key));
    const key = fitting.at(-1);
    if (key === undefined) return undefined;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = { key, effective: this.#merged(fitting) };
    this.#places.set(key, place);
    return place;
  }

  #merged(keys: readonly string[]): Effective {
    const all = keys.map((key) => this.#said.get(key)!);
    const allowed = new Set(all.flatMap((said) => [...said.allowed]));
    allowed.delete(this.#tenantIndex);
    const terms = Object.assign({ counted: false }, ...all.map((said) => said.terms)) as Omit<Effective, "allowed">;
    return { ...terms, allowed: [...allowed].sort((a, b) => a - b) };
  }

  #at({ names, prefixes }: CapabilityMatch): Said[] {
    return [...names.map(nameKey), ...prefixes.map(prefixKey)].map((key) => {
      const known = this.#said.get(key);
      if (known !== undefined) return known;
      const said: Said = { terms: {}, allowed: new Set() };
      this.#said.set(key, said);
      return said;
    });
  }
}

/** Of the prefixes of a name, itself among them, the shortest first. */
function prefixKeys(name: CapabilityName): string[] {
  const keys = [prefixKey(ROOT)];
  let prefix = "";
  for (const label of capabilityLabels(name)) {
    prefix += `/${label}`;
    keys.push(prefixKey(prefix));
  }
  return keys;
}

function given({ packets, bits, dscp, tag, counted }: CapabilityTerms): Said["terms"] {
  return {
    ...(packets === undefined ? {} : { packets }),
    ...(bits === undefined ? {} : { bits }),
    ...(dscp === undefined ? {} : { dscp }),
    ...(tag === undefined ? {} : { tag }),
    ...(counted ? { counted } : {}),
  };
}

const nameKey = (name: string): string => `= ${name}`;
const prefixKey = (prefix: string): string => `< ${prefix}`;
