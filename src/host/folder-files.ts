import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "./atomic-file.ts";
import { errnoOf } from "./faults.ts";
import { withRoom } from "./no-room.ts";

/** The files of one folder that only this process writes; each call is one step that a crash can come before or after. */
export interface FolderFiles {
  readonly path: string;
  /** `undefined` where there is none of that name. */
  read(name: string): Promise<string | undefined>;
  /** Makes or overwrites a file; its octets are durable afterwards, its name is not. @throws {HostError} host.no-room */
  write(name: string, content: string | Uint8Array): Promise<void>;
  /** Replaces `to` at once. */
  rename(from: string, to: string): Promise<void>;
  /** Names that were made, renamed or removed are durable afterwards. */
  syncNames(): Promise<void>;
  /** Nothing happens where there is none. */
  remove(name: string): Promise<void>;
  list(): Promise<readonly string[]>;
}

/** Makes the folder if need be. Its files hold secrets, so nobody else may read them. */
export async function openFolder(path: string): Promise<FolderFiles> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return {
    path,
    async read(name) {
      try {
        return await readFile(join(path, name), "utf8");
      } catch (cause) {
        if (errnoOf(cause) === "ENOENT") return undefined;
        throw cause;
      }
    },
    async write(name, content) {
      const target = join(path, name);
      await withRoom(target, Buffer.byteLength(content), async () => {
        await using file = await open(target, "w", 0o600);
        await file.writeFile(content);
        await file.datasync();
      });
    },
    rename: (from, to) => rename(join(path, from), join(path, to)),
    syncNames: () => syncDirectory(path),
    remove: (name) => rm(join(path, name), { force: true }),
    list: () => readdir(path),
  };
}
