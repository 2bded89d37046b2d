import { FaultError } from "../base/index.ts";

export type LimitedThing = "routes" | "paths" | "key octets" | "changed destinations";

/** Which bound it was, and what it is. */
export type RibFault =
  /** The configured number of routes is in use. */
  | { readonly code: "rib.route-limit"; readonly what: LimitedThing; readonly limit: number }
  | { readonly code: "rib.attribute-limit"; readonly limit: number }
  | { readonly code: "rib.peer-limit"; readonly limit: number }
  /** So many keys share one hash that looking them up would take too long: somebody chooses them. */
  | { readonly code: "rib.hash-flooded"; readonly probes: number }
  | { readonly code: "rib.no-memory"; readonly wantedRoutes: number };

/** What the RIB throws where a bound is reached. */
export class RibError extends FaultError<RibFault> {}

export function hashFlooded(probes: number): RibError {
  return new RibError({ code: "rib.hash-flooded", probes });
}
