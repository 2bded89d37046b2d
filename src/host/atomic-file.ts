import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { withRoom } from "./no-room.ts";

/**
 * Replaces the contents of `path` at once and durably: a reader, or the next start, sees the old octets or the new ones.
 *
 * @throws {HostError} host.no-room; what there was is as it was, and nothing is left beside it
 */
export async function replaceFile(path: string, contents: string | Uint8Array, mode = 0o600): Promise<void> {
  const next = `${path}.new`;
  await withRoom(path, Buffer.byteLength(contents), async () => {
    const file = await open(next, "w", mode);
    try {
      await file.writeFile(contents);
      await file.datasync();
    } catch (cause) {
      await rm(next, { force: true });
      throw cause;
    } finally {
      await file.close();
    }
  });
  await rename(next, path);
  await syncDirectory(dirname(path));
}

/** Makes names that were created, renamed or removed in `path` durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Writes all of `octets` at `position`, however many calls that takes. */
export async function writeFully(file: FileHandle, octets: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < octets.length; ) {
    const { bytesWritten } = await file.write(octets, done, octets.length - done, position + done);
    done += bytesWritten;
  }
}
