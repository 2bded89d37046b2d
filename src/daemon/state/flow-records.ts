import type { StateSource } from "../../management/index.ts";
import type { ControlParts } from "../control.ts";
import { entry, place } from "./place.ts";

/** What is recorded of flows, and what each collector was sent. */
export function flowRecordsState({ flows }: ControlParts): readonly StateSource[] {
  const base = ["semrd-router:router", "semrd-telemetry:telemetry", "flow-records"] as const;
  const path = place(...base, "state");
  const collector = place(...base, "collector", "state");
  return [
    {
      path,
      rows() {
        const state = flows.records?.state;
        if (state === undefined) return [];
        const { active, records, lost, unwatched } = state;
        return [
          { path, value: { active, records: String(records), lost: String(lost), unwatched: String(unwatched) } },
        ];
      },
    },
    {
      path: collector,
      *rows() {
        for (const { name, records, messages, failures, lastError } of flows.records?.state.collectors ?? []) {
          const counts = { records: String(records), messages: String(messages), failures: String(failures) };
          const value = { ...counts, ...(lastError === undefined ? {} : { "last-error": lastError }) };
          yield { path: entry(collector, { 3: { name } }), value };
        }
      },
    },
  ];
}
