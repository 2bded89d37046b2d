import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, open, realpath, stat } from "node:fs/promises";
import { errnoOf, replaceFile } from "../../host/index.ts";
import {
  type ConfigurationFault,
  checkConfiguration,
  fault,
  type ManagementFault,
  type StartupFile,
  type StartupText,
  withoutMark,
} from "../../management/index.ts";

/** A larger file is something else. */
const MAX_OCTETS = 64 * 1024 * 1024;

const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

/** The file of `semrd --config` as the datastore `startup`. */
export function startupFile(path: string): StartupFile {
  return {
    path,
    async read(): Promise<StartupText> {
      await using file = await open(path, "r");
      const { size, mode } = await file.stat();
      if (size > MAX_OCTETS) throw new RangeError(`${size} octets are more than the ${MAX_OCTETS} that are allowed`);
      const text = withoutMark(await file.readFile("utf8"));
      return { text, digest: digestOf(text), ...((mode & 0o077) === 0 ? {} : { isOpen: true }) };
    },
    async write(text) {
      try {
        // Where it is a link, what it leads to is replaced; it keeps its mode.
        const real = await realpath(path);
        await access(real, constants.W_OK);
        await replaceFile(real, text, (await stat(real)).mode & 0o777);
      } catch (cause) {
        const errno = errnoOf(cause);
        if (errno !== "EACCES" && errno !== "EPERM" && errno !== "EROFS") throw cause;
        throw new Error(
          `this process may not write it (${errno}): give it the right to, or save the output of semrctl config show`,
        );
      }
      return digestOf(text);
    },
    async faults() {
      const { faults } = await checkConfiguration({ file: path });
      return faults.map(placed);
    },
  };
}

/** What `semrd --check` says of the file: an operator looks for the line. */
function placed({ path, line, value, reason, tag }: ConfigurationFault): ManagementFault {
  const parts = [line === undefined ? "" : `line ${line}`, value === undefined ? "" : `is ${value}`, reason];
  const more = { ...(path === undefined ? {} : { path }), ...(tag === undefined ? {} : { appTag: tag }) };
  return fault("operation-failed", parts.filter(Boolean).join(": "), more);
}
