import { ACCEPT, acceptAll, type RoutePolicy, reject } from "./policy.ts";

const OF_A_CLIENT = 200;
const OF_ANOTHER_REFLECTOR = 100;

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

/**
 * Memberships as they are taken. Of two the same from inside the AS a client's is better, whatever else they say: the best one
 * is what other reflectors hear of, and theirs would never be told back to them.
 * @see RFC 4684 §3.2 (the attributes of the client path are advertised)
 */
export function membershipImport({ isClient }: { readonly isClient: boolean }): RoutePolicy {
  const localPref = isClient ? OF_A_CLIENT : OF_ANOTHER_REFLECTOR;
  return (set, peer) =>
    peer.kind === "internal" ? { verdict: "replace", attributes: { ...set, localPref } } : acceptAll(set, peer);
}
