import type { StateSource } from "../../management/index.ts";
import type { ControlParts } from "../control.ts";
import { warnings } from "../status-report.ts";
import { dateAndTime, place } from "./place.ts";

/** How this process is doing. */
export function routerState(parts: ControlParts): StateSource {
  const path = place("semrd-router:router", "state");
  const started = dateAndTime(parts.clock.wall() - Math.round(process.uptime() * 1000));
  return {
    path,
    rows: () => [
      {
        path,
        value: {
          phase: parts.state().phase,
          version: parts.version,
          "process-id": process.pid,
          started,
          draining: parts.drain.on,
          warning: warnings(parts),
        },
      },
    ],
  };
}
