import { type Log, messageOf } from "../../base/index.ts";
import type { RouterManagement } from "../../management/index.ts";

/** SIGHUP: the startup file becomes running, or nothing changes; the log says which and why. */
export class Reloads implements AsyncDisposable {
  readonly #management: RouterManagement;
  readonly #file: string;
  readonly #log: Log;
  #running: Promise<void> | undefined;
  #isAskedAgain = false;
  #isClosed = false;

  constructor(management: RouterManagement, file: string, log: Log) {
    this.#management = management;
    this.#file = file;
    this.#log = log;
  }

  /** One at a time; however often it is asked for meanwhile, the file is read once more afterwards. */
  ask(): void {
    if (this.#isClosed) return;
    if (this.#running === undefined) this.#running = this.#run();
    else this.#isAskedAgain = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    do {
      this.#isAskedAgain = false;
      try {
        await this.#reload();
      } catch (cause) {
        this.#log.error("management.reload-failed", { file: this.#file, reason: messageOf(cause) });
      }
    } while (this.#isAskedAgain && !this.#isClosed);
    this.#running = undefined;
  }

  async #reload(): Promise<void> {
    const file = this.#file;
    const { engine } = this.#management;
    const session = engine.openSession({ user: "system", protocol: "file", source: file });
    try {
      const done = await engine.reload(session);
      if (done.ok) {
        const { entry, consequences } = done.value;
        this.#log.info("management.reloaded", {
          file,
          changes: entry?.changeCount ?? 0,
          ...(entry === undefined ? {} : { commit: entry.id }),
          consequences: consequences.map(({ path, message }) => `${path}: ${message}`),
        });
        return;
      }
      for (const { path, message, appTag } of done.faults) {
        this.#log.error("management.reload-refused", {
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
}
