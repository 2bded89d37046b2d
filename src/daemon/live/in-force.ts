import path from "node:path";
import type { Log } from "../../base/index.ts";
import { openFolder } from "../../host/index.ts";
import { CommitStore, parseConfiguration, type RouterConfiguration } from "../../management/index.ts";
import { startupFile } from "./startup-file.ts";

/** Folder of commits in a state directory. */
export const commitsFolder = (stateDirectory: string): string => path.join(stateDirectory, "configuration");

/**
 * What the router at rest was last told: its last commit, or the startup file where that has changed since or nothing was
 * ever committed. Nothing is changed.
 */
export async function configurationInForce(
  file: string,
  startup: RouterConfiguration,
  log: Log,
): Promise<RouterConfiguration> {
  const store = await CommitStore.open(await openFolder(commitsFolder(startup.stateDirectory)), "", log);
  const { digest } = await startupFile(file).read();
  const text = store.startup === digest ? await store.document(store.current) : undefined;
  return text === undefined ? startup : parseConfiguration(text, path.dirname(path.resolve(file)));
}
