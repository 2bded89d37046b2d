/** What a router is to a neighbour of another AS. @see RFC 9234 §3 */
export type BgpRole = "provider" | "route-server" | "route-server-client" | "customer" | "peer";

/** By their values in the capability. @see RFC 9234 §4.1 */
const ROLES: readonly BgpRole[] = ["provider", "route-server", "route-server-client", "customer", "peer"];

/** What the neighbour of each is. @see RFC 9234 §4.2 */
export const COUNTERPART: Readonly<Record<BgpRole, BgpRole>> = {
  provider: "customer",
  customer: "provider",
  "route-server": "route-server-client",
  "route-server-client": "route-server",
  peer: "peer",
};

/** The value of the role capability. @see RFC 9234 §4.1 */
export function roleCode(role: BgpRole): number {
  return ROLES.indexOf(role);
}

/** `undefined` for a value that is not assigned. */
export function roleOf(code: number): BgpRole | undefined {
  return ROLES[code];
}
