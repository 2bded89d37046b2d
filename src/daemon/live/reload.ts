import type { Log } from "../../base/index.ts";
import type { RouterManagement } from "../../management/index.ts";

/** SIGHUP: the startup file becomes running, or nothing changes; the log says which and why. */
export async function reload({ engine }: RouterManagement, file: string, log: Log): Promise<void> {
  const session = engine.openSession({ user: "system", protocol: "file", source: file });
  try {
    const done = await engine.reload(session);
    if (done.ok) {
      const { entry, consequences } = done.value;
      log.info("management.reloaded", {
        file,
        changes: entry?.changeCount ?? 0,
        ...(entry === undefined ? {} : { commit: entry.id }),
        consequences: consequences.map(({ path, message }) => `${path}: ${message}`),
      });
      return;
    }
    for (const { path, message, appTag } of done.faults) {
      log.error("management.reload-refused", {
        file,
        path,
        reason: message,
        tag: appTag,
        effect: "nothing has changed",
      });
    }
  } finally {
    await engine.closeSession(session);
  }
}
