import type { Log } from "../../../src/base/index.ts";
import { SILENT } from "../../dataplane/memory/story.ts";

/** A log that keeps what a driver says about operations that were not carried out. */
export function complaining(): { readonly log: Log; readonly complaints: () => readonly string[] } {
  const said: string[] = [];
  const keep = (event: string, fields: object = {}): void => {
    if (event.endsWith(".not-carried-out")) said.push(`${event} ${JSON.stringify(fields)}`);
  };
  return { log: { ...SILENT, warn: keep, error: keep }, complaints: () => said };
}
