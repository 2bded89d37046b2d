import type { Origin } from "../way-out.ts";
import { type Beginning, VERSION } from "./beginning.ts";
import { converge } from "./convergence.ts";
import { startDecisions } from "./decisions.ts";
import { type DoorOptions, openDoors } from "./doors.ts";
import { startNeighbors } from "./neighbors.ts";
import { startOffers } from "./offers.ts";
import { startTables } from "./tables.ts";
import { startWatches } from "./watches.ts";

export { beginning } from "./beginning.ts";

export interface StartOptions extends DoorOptions {
  /** From where the configuration was taken, for who has to mend it. */
  readonly origin: () => Origin;
}

/**
 * The order of starting: each step is given what those before it started, and the scope that owns all of it closes in reverse
 * order. The router serves when this resolves; that it has converged is awaited by its scope.
 *
 * @throws as the parts do; what was started is the scope's to close
 */
export async function startParts(begun: Beginning, { origin, ...options }: StartOptions): Promise<void> {
  const { configuration, scope, log, life } = begun;
  const tables = await startTables(begun, origin);
  const decisions = await startDecisions(begun, tables);
  const neighbors = await startNeighbors(begun, tables, decisions);
  const offers = startOffers(begun, tables, decisions, neighbors);
  const watches = startWatches(begun, tables, decisions, neighbors, offers);
  const parts = { ...tables, ...decisions, ...neighbors, ...offers, ...watches };
  await openDoors(begun, parts, options);
  life.phase = "running";
  scope.signal.addEventListener("abort", () => {
    life.phase = "stopping";
  });
  const { driver } = tables;
  log.info("router.running", {
    name: configuration.name,
    version: VERSION,
    dataplane: driver.name,
    adopted: driver.adopted,
    ports: driver.ports.map(({ interface: name, hook }) => `${name} ${hook}`),
  });
  const converging = converge(begun, parts);
  scope.defer(() => converging);
}
