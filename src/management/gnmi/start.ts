import type { YangContext } from "../../../native/index.ts";
import type { UserBook } from "../access/index.ts";
import { Authentication } from "./authentication.ts";
import { type GnmiOptions, RunningGnmi } from "./running.ts";
import { openModel, Serving, type ServingParts } from "./serving.ts";
import type { OperatorTokens } from "./tokens.ts";

export interface GnmiStartParts extends ServingParts {
  readonly users: UserBook;
  readonly tokens: OperatorTokens;
  /** With the modules that are served; only asked for what it has. */
  readonly context: YangContext;
}

/**
 * Starts gNMI as the configuration has it.
 *
 * @throws {Error} where an address cannot be listened on, or the certificate and its key cannot be used
 */
export async function startGnmi(options: GnmiOptions, parts: GnmiStartParts): Promise<RunningGnmi> {
  const model = await openModel(parts.context);
  const own = { openModel: async () => model, authentication: new Authentication(parts), transport: "tls" as const };
  const running = new RunningGnmi({ ...parts, serving: await Serving.open(options, { ...parts, ...own }) });
  try {
    const beginning = await running.prepare(options);
    await beginning.apply();
    await beginning.finish?.();
    return running;
  } catch (cause) {
    await running[Symbol.asyncDispose]();
    throw cause;
  }
}
