import type { StateSource } from "../../management/index.ts";
import type { ControlParts } from "../control.ts";
import { dateAndTime, entry, place } from "./place.ts";

/** How often each statement has fitted. */
export function policyState(parts: Pick<ControlParts, "eventCounters">): StateSource {
  const names = ["routing-policy", "policy-definitions", "policy-definition", "statements", "statement", "state"];
  const path = place("semrd-router:router", ...names.map((name) => `semrd-policy:${name}`));
  return {
    path,
    *rows() {
      for (const { policy, statement, sets, routes, discontinuity } of parts.eventCounters.hits()) {
        const counts = { "matched-sets": String(sets), "matched-routes": String(routes) };
        const value = { ...counts, "discontinuity-time": dateAndTime(discontinuity) };
        yield { path: entry(path, { 3: { name: policy }, 5: { name: statement } }), value };
      }
    },
  };
}
