import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Log, messageOf } from "../base/index.ts";
import type { DataplaneDriver } from "../dataplane/index.ts";
import { errnoOf, replaceFile } from "../host/index.ts";
import type { DataplaneConfiguration, RouterConfiguration } from "../management/index.ts";
import { createMetrics } from "../telemetry/index.ts";
import { claimTables, startDriver } from "./driver.ts";

/** A data plane on this host that goes on when its process ends; what is in the file. */
type Lasting = { readonly driver: "kernel" | "linux" | "ovs" } & Pick<
  Partial<DataplaneConfiguration>,
  "pinDirectory" | "openVswitch"
>;

/**
 * The data planes that this router has had and not removed yet. Another driver, pin directory or bridge takes effect at a start;
 * what was before would forward beside it, with tables that nobody keeps.
 */
export class FormerDataplanes {
  readonly #configuration: RouterConfiguration;
  readonly #log: Log;
  readonly #file: string;
  #own: Lasting | undefined;
  #former: readonly Lasting[];

  private constructor(
    configuration: RouterConfiguration,
    log: Log,
    own: Lasting | undefined,
    former: readonly Lasting[],
  ) {
    this.#configuration = configuration;
    this.#log = log;
    this.#file = fileOf(configuration);
    this.#own = own;
    this.#former = former;
  }

  /** What a router at rest has had, where its own data plane cannot even be started to be removed. */
  static async found(configuration: RouterConfiguration, log: Log): Promise<FormerDataplanes> {
    return new FormerDataplanes(configuration, log, undefined, await read(fileOf(configuration), log));
  }

  /** Notes the data plane of this process beside those before. */
  static async note(configuration: RouterConfiguration, driver: DataplaneDriver, log: Log): Promise<FormerDataplanes> {
    const own = lasting(configuration, driver);
    const known = await read(fileOf(configuration), log);
    const former = known.filter((one) => keyOf(one) !== (own && keyOf(own)));
    const noted = new FormerDataplanes(configuration, log, own, former);
    if (own !== undefined && known.length === former.length) await noted.#write();
    return noted;
  }

  /** That of this process is removed, too. */
  async ownIsGone(): Promise<void> {
    this.#own = undefined;
    await this.#write();
  }

  /**
   * Removes those before, once the one of this process has all that it should. What cannot be removed is tried again at the next
   * start. Returns which those are.
   */
  async remove(): Promise<readonly string[]> {
    if (this.#former.length === 0) return [];
    const left: Lasting[] = [];
    for (const former of this.#former)
      try {
        await this.#removeOne(former);
        this.#log.info("dataplane.former-removed", { ...former });
      } catch (cause) {
        left.push(former);
        const effect = "it forwards beside the data plane of now, with the tables that it had";
        this.#log.error("dataplane.former-not-removed", { ...former, reason: messageOf(cause), effect });
      }
    this.#former = left;
    await this.#write();
    return left.map(keyOf);
  }

  async #removeOne(former: Lasting): Promise<void> {
    // After a boot there is nothing of it, and nothing is to be attached for a moment.
    if (former.driver === "kernel" && !existsSync(former.pinDirectory!)) return;
    const { dataplane } = this.#configuration;
    const configuration = { ...this.#configuration, dataplane: { ...dataplane, ...former } };
    await using _tables = await claimTables(configuration);
    await using driver = await startDriver(configuration, this.#log, createMetrics());
    await driver.remove();
  }

  #write(): Promise<void> {
    const all = [...(this.#own === undefined ? [] : [this.#own]), ...this.#former];
    return replaceFile(this.#file, `${JSON.stringify(all)}\n`);
  }
}

const fileOf = ({ stateDirectory }: RouterConfiguration): string => join(stateDirectory, "dataplanes.json");

function lasting({ dataplane }: RouterConfiguration, { name: driver }: DataplaneDriver): Lasting | undefined {
  if (driver === "kernel") return { driver, pinDirectory: dataplane.pinDirectory };
  if (driver === "linux") return { driver };
  if (driver === "ovs" && dataplane.openVswitch !== undefined) return { driver, openVswitch: dataplane.openVswitch };
  return undefined;
}

function isLasting(found: unknown): found is Lasting {
  const { driver, pinDirectory, openVswitch } = (found ?? {}) as { readonly [name in keyof Lasting]?: unknown };
  if (driver === "kernel") return typeof pinDirectory === "string";
  return driver === "linux" || (driver === "ovs" && typeof openVswitch === "object" && openVswitch !== null);
}

const keyOf = ({ driver, pinDirectory, openVswitch }: Lasting): string =>
  [driver, pinDirectory, openVswitch?.database, openVswitch?.bridge].filter((word) => word !== undefined).join(" ");

async function read(file: string, log: Log): Promise<readonly Lasting[]> {
  try {
    const found: unknown = JSON.parse(await readFile(file, "utf8"));
    if (Array.isArray(found) && found.every(isLasting)) return found;
    throw new TypeError("it is no list of data planes");
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT")
      log.warn("dataplane.former-unknown", { file, reason: messageOf(cause), effect: "none is looked for" });
    return [];
  }
}
