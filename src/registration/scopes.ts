import { type CapabilityName, parseCapabilityName } from "../base/index.ts";

const KIND = "capability:";
const MOST_SCOPES = 256;

/** Which capabilities a token covers. */
export interface CapabilityScopes {
  covers(name: CapabilityName): boolean;
}

/**
 * Reads the `scope` claim: `capability:/vision/ocr` is that name; `capability:/vision/*` or `capability:/vision/` is every
 * name below it, at any depth, and not `/vision` itself. Other scopes, and ones that are no name, cover nothing.
 * @see RFC 6749 §3.3 (scope); RFC 9068 §2.2.3
 */
export function parseScopes(claim: unknown): CapabilityScopes {
  const names = new Set<string>();
  const prefixes: string[] = [];
  const scopes = typeof claim === "string" ? claim.split(" ").slice(0, MOST_SCOPES) : [];
  for (const scope of scopes) {
    if (!scope.startsWith(KIND)) continue;
    const text = scope.slice(KIND.length);
    const below = /^(.*)\/\*?$/.exec(text);
    if (below === null) {
      const name = parseCapabilityName(text);
      if (name !== undefined) names.add(name);
      continue;
    }
    const prefix = below[1] === "" ? "" : parseCapabilityName(below[1]!);
    if (prefix !== undefined) prefixes.push(`${prefix}/`);
  }
  return { covers: (name) => names.has(name) || prefixes.some((prefix) => name.startsWith(prefix)) };
}

/** The narrowest scope that covers `name`. */
export function scopeFor(name: CapabilityName): string {
  return `${KIND}${name}`;
}
