import type { Log } from "../../base/index.ts";
import type { StartupFile, StoreFiles } from "../transaction/index.ts";
import { withKeystore } from "./former-credentials.ts";

/** Names that one line of the log lists. */
const MOST_NAMED = 100;
const DOCUMENT = /^\d+\.json$/;
const KEYS = '"cleartext-symmetric-key"';

/**
 * What is kept on disk, with the passwords and files of configurations of before the keystore where they stand today. The files
 * stay as they are until they are written again; the log says once of each what was done.
 */
export class FormerCredentials {
  readonly #log: Log;
  readonly #told = new Set<string>();
  #openTold = false;

  constructor(log: Log) {
    this.#log = log;
  }

  startup(file: StartupFile): StartupFile {
    return {
      path: file.path,
      write: (text) => file.write(text),
      ...(file.faults === undefined ? {} : { faults: () => file.faults!() }),
      read: async () => {
        const { text, ...more } = await file.read();
        const today = this.#today(text, file.path);
        if (more.isOpen === true && today.includes(KEYS)) this.#warnOfOpen(file.path);
        return { text: today, ...more };
      },
    };
  }

  commits(files: StoreFiles): StoreFiles {
    return {
      ...(files.path === undefined ? {} : { path: files.path }),
      write: (name, content) => files.write(name, content),
      rename: (from, to) => files.rename(from, to),
      syncNames: () => files.syncNames(),
      remove: (name) => files.remove(name),
      list: () => files.list(),
      read: async (name) => {
        const text = await files.read(name);
        return text === undefined || !DOCUMENT.test(name) ? text : this.#today(text, name);
      },
    };
  }

  #today(text: string, source: string): string {
    const today = withKeystore(text);
    if (today === undefined) return text;
    if (!this.#told.has(source)) {
      this.#told.add(source);
      this.#log.warn("management.credentials-moved", {
        source,
        count: today.moved.length,
        moved: today.moved.slice(0, MOST_NAMED).map(({ path, to }) => `${path} is now ${to}`),
        effect: "nothing is different but where they stand; the next commit and 'semrctl config save' write them there",
      });
    }
    return today.text;
  }

  #warnOfOpen(file: string): void {
    if (this.#openTold) return;
    this.#openTold = true;
    this.#log.warn("management.startup-open", {
      file,
      effect: "others of this host can read the keys in it: let only its owner, chmod 600",
    });
  }
}
