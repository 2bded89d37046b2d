import type { DataplaneDriver } from "../../dataplane/index.ts";
import type { DirectoryStore } from "../../directory/index.ts";
import { openDirectoryStore, systemClock } from "../../host/index.ts";
import { CounterBook } from "../counter-book.ts";
import { claimTables, startDriver } from "../driver.ts";
import { FormerDataplanes } from "../former-dataplanes.ts";
import { Paths } from "../paths.ts";
import { PlanSink } from "../plan-sink.ts";
import { type Origin, withWayOut } from "../way-out.ts";
import type { Beginning } from "./beginning.ts";

/** What outlives the process: registrations on the disk, and the tables that forward. */
export interface Tables {
  readonly store: DirectoryStore;
  readonly driver: DataplaneDriver;
  /** Those that this host had before. */
  readonly formers: FormerDataplanes;
  readonly counters: CounterBook;
  readonly paths: Paths;
  readonly sink: PlanSink;
}

/** @throws as the store and the driver do; a driver's error says how the router starts without it */
export async function startTables(begun: Beginning, origin: () => Origin): Promise<Tables> {
  const { configuration, scope, shared, log, metrics, life } = begun;
  const store = scope.own(await openDirectoryStore(configuration.stateDirectory, { log, metrics }));
  if (configuration.dataplane.driver !== "memory") scope.own(await claimTables(configuration));
  const starting = startDriver(configuration, log, metrics).catch((cause: unknown) => {
    throw withWayOut(cause, configuration, origin());
  });
  const driver = scope.own(await starting);
  const formers = await FormerDataplanes.note(configuration, driver, log);
  const counters = new CounterBook(driver, systemClock);
  const paths = scope.own(new Paths({ ...shared, driver, bfd: () => life.bfd }));
  const tunnelsMoved = (): void => {
    life.bfd?.rebind();
    paths.rebind();
  };
  const sink = new PlanSink({ driver, counters, tunnelsMoved });
  paths.follow(configuration);
  return { store, driver, formers, counters, paths, sink };
}
