import { readFileSync } from "node:fs";
import type { Clock, Log, Metrics, Scope } from "../../base/index.ts";
import type { BfdMonitor } from "../../bfd/index.ts";
import { type LogLevel, systemClock } from "../../host/index.ts";
import type { AlarmBook, RouterConfiguration, RouterManagement } from "../../management/index.ts";
import { createMetrics, type MetricsRegistry } from "../../telemetry/index.ts";
import { type Current, namesOf, taxonomyOf } from "../live/index.ts";
import { policyBook } from "../policy.ts";
import { SelectionFan } from "../selection-fan.ts";
import { SessionWatch } from "../state/index.ts";

/** Of semrd, as its package says. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
).version;

/** Of capabilities: a million with four sites each. Address space is reserved for so many routes; memory is taken as they come. */
export const MAX_ROUTES = 1 << 22;

/** What there is before any part is started, and every step of the start goes by. */
export interface Beginning {
  /** What the router was started with. */
  readonly configuration: RouterConfiguration;
  /** What it goes by now. */
  readonly current: Current;
  readonly management: RouterManagement;
  readonly alarms: AlarmBook;
  readonly log: Log & { level: LogLevel };
  readonly metrics: MetricsRegistry;
  /** What nearly every part is given. */
  readonly shared: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics };
  /** Owns each part from the moment it is started: what was started last ends first. */
  readonly scope: Scope;
  /** Those who act on what the RIB decides, besides the compiler. */
  readonly selections: SelectionFan;
  readonly sessions: SessionWatch;
  readonly life: Life;
}

/** What becomes different while the parts start and end. */
export interface Life {
  phase: "starting" | "running" | "stopping";
  /** Absent before the speaker is started, and without BGP. */
  bfd: BfdMonitor | undefined;
}

/** @throws {DirectoryError} directory.address-collision */
export async function beginning(
  parts: Pick<Beginning, "configuration" | "management" | "alarms" | "log" | "scope">,
): Promise<Beginning> {
  const { configuration, alarms, log } = parts;
  const taxonomy = await taxonomyOf(configuration, systemClock);
  const names = namesOf(configuration, taxonomy);
  alarms.follow(configuration.alarms);
  const metrics = createMetrics({ process: "included" });
  return {
    ...parts,
    current: { configuration, taxonomy, names, policies: policyBook(configuration) },
    ...{ metrics, shared: { clock: systemClock, log, metrics } },
    ...{ selections: new SelectionFan(), sessions: new SessionWatch(systemClock) },
    life: { phase: "starting", bfd: undefined },
  };
}
