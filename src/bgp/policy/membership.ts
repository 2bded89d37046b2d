import { ACCEPT, type RoutePolicy, reject } from "./policy.ts";

const DEFAULT_ONLY = reject("client-membership");
const NOT_OURS = reject("default-membership");

/**
 * Which route-target memberships a neighbour hears of. A client of this reflector: only that everything is wanted, so it sends
 * all it has and the reflector sorts it out; others: all but that.
 * @see RFC 4684 §3.2 (reflectors) and §4 (default route target)
 */
export function membershipPolicy({ isClient }: { readonly isClient: boolean }): RoutePolicy {
  return Object.assign(
    () =>
      ({
        verdict: "by-key",
        of(octets: Uint8Array, start: number) {
          const isDefault = octets[start] === 0;
          if (isClient) return isDefault ? ACCEPT : DEFAULT_ONLY;
          return isDefault ? NOT_OURS : ACCEPT;
        },
      }) as const,
    { looksAtPeer: false },
  );
}
