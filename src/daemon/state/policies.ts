import type { StateSource } from "../../management/index.ts";
import type { ControlParts } from "../control.ts";
import { entry, place } from "./place.ts";

/** How often each statement has fitted. */
export function policyState(parts: Pick<ControlParts, "policies">): StateSource {
  const names = ["routing-policy", "policy-definitions", "policy-definition", "statements", "statement", "state"];
  const path = place("semrd-router:router", ...names.map((name) => `semrd-policy:${name}`));
  return {
    path,
    *rows() {
      for (const { policy, statement, sets, routes } of parts.policies.hits()) {
        const value = { "matched-sets": String(sets), "matched-routes": String(routes) };
        yield { path: entry(path, { 3: { name: policy }, 5: { name: statement } }), value };
      }
    },
  };
}
