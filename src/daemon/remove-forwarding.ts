import { loadNative } from "../../native/index.ts";
import { type Log, messageOf } from "../base/index.ts";
import { DataplaneError, removePins } from "../dataplane/index.ts";
import { openStateDirectory } from "../host/index.ts";
import type { RouterConfiguration } from "../management/index.ts";
import { claimTables, startRemovable } from "./driver.ts";
import { FormerDataplanes } from "./former-dataplanes.ts";
import { configurationInForce } from "./live/in-force.ts";

/**
 * Takes this router out of service: programs detached, pins removed; those of data planes that it had before, too.
 * @throws {HostError} host.state-directory-in-use: it runs, and would go on as if it forwarded
 * @throws {DataplaneError} as the drivers; what of others could be removed is gone then
 * @throws {Error} with the former data planes that could not be removed
 */
export async function removeForwarding(
  { file, startup }: { readonly file: string; readonly startup: RouterConfiguration },
  log: Log,
): Promise<void> {
  using _stopped = await openStateDirectory(startup.stateDirectory);
  const configuration = await configurationInForce(file, startup, log);
  const { formers, cause } = await removeOwn(configuration, log);
  const left = await formers.remove();
  if (left.length > 0 && cause !== undefined)
    log.error("dataplane.not-removed", { driver: configuration.dataplane.driver, reason: messageOf(cause) });
  if (left.length > 0)
    throw new Error(
      `these data planes of before still forward: ${left.join(", ")}. The log says why; put that right and try again`,
      { cause },
    );
  if (cause !== undefined) throw cause;
}

/** That of the configuration in force. `cause`: why it could not be removed. */
async function removeOwn(
  configuration: RouterConfiguration,
  log: Log,
): Promise<{ readonly formers: FormerDataplanes; readonly cause?: unknown }> {
  try {
    await using _tables = await claimTables(configuration);
    await using driver = await startRemovable(configuration, log);
    const formers = await FormerDataplanes.note(configuration, driver, log);
    await driver.remove();
    await formers.ownIsGone();
    log.info("dataplane.removed", { interfaces: driver.ports.map((port) => port.interface) });
    return { formers };
  } catch (cause) {
    if (cause instanceof DataplaneError && cause.code === "dataplane.not-replaced") {
      // Not even for a moment: there is no room, or no right, for another one in its place
      const { pinDirectory } = configuration.dataplane;
      removePins(loadNative(), pinDirectory);
      log.info("dataplane.removed", { pins: pinDirectory });
      return { formers: await FormerDataplanes.found(configuration, log) };
    }
    return { formers: await FormerDataplanes.found(configuration, log), cause };
  }
}
