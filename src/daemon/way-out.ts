import { sameValue } from "../base/index.ts";
import type { RouterConfiguration } from "../management/index.ts";

/** From where a router took what it starts with. */
export interface Origin {
  /** Path of the startup file, and what it says. */
  readonly file: string;
  readonly startup: RouterConfiguration;
  /** The newest commit, and the folder of commits. */
  readonly commit: number;
  readonly folder: string;
}

const DRIVER = "/semrd-router:router/semrd-dataplane:dataplane/driver";

/**
 * The same error, which now also says how the router can be started without its data plane: nobody can commit anything to one
 * that does not run.
 */
export function withWayOut(cause: unknown, configuration: RouterConfiguration, origin: Origin): unknown {
  if (cause instanceof Error) cause.message += `\n${wayOut(configuration, origin)}`;
  return cause;
}

function wayOut({ dataplane }: RouterConfiguration, { file, startup, commit, folder }: Origin): string {
  const others = "auto takes what this host can do, memory forwards nothing";
  if (sameValue(startup.dataplane, dataplane))
    return `The data plane ${dataplane.driver} is asked for by ${file}: put right what is missing, or set ${DRIVER} there (${others}).`;
  return (
    `The data plane ${dataplane.driver} is asked for by commit ${commit} (${folder}/${commit}.json), not by ${file}, ` +
    `where ${DRIVER} is ${startup.dataplane.driver}: put right what is missing, or change ${file} in any way (${others}). ` +
    "A startup file that was changed is what runs at the next start; semrctl config rollback 1 brings the commit back."
  );
}
