import { realpath, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf, HostError } from "./faults.ts";

const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

/** That something has been refused as its file system is full, or what this user may have of it. */
export const isFull = (cause: unknown): boolean => FULL.has(errnoOf(cause));

/** Writes `octets` to `file` by `write`. @throws {HostError} host.no-room, and whatever else `write` throws */
export async function withRoom(file: string, octets: number, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    if (!isFull(cause)) throw cause;
    const [errno, where] = [errnoOf(cause), await roomAt(dirname(file))];
    throw new HostError(
      { code: "host.no-room", path: file, errno, octets },
      `${errno}: there is no room for the ${octets} octets of ${file}: make room ${where}`,
      { cause },
    );
  }
}

/** Where room is to be made, and how much there is: "on the file system at /var (0 octets of 512 MiB are free)". */
export async function roomAt(path: string): Promise<string> {
  try {
    const { bavail, blocks, bsize } = await statfs(path);
    return `on the file system at ${await mountPoint(path)} (${size(bavail * bsize)} of ${size(blocks * bsize)} are free)`;
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT" && path !== dirname(path)) return roomAt(dirname(path));
    return `on the file system of ${path}`; // it is full whether or not it can be looked at
  }
}

async function mountPoint(path: string): Promise<string> {
  let [at, { dev }] = [await realpath(path), await stat(path)];
  while (at !== "/" && (await stat(dirname(at))).dev === dev) at = dirname(at);
  return at;
}

function size(octets: number): string {
  const units = ["octets", "KiB", "MiB", "GiB", "TiB"];
  const at = octets < 1024 ? 0 : Math.min(Math.floor(Math.log2(octets) / 10), units.length - 1);
  const value = octets / 1024 ** at;
  return `${value >= 10 || at === 0 ? Math.floor(value) : Math.floor(value * 10) / 10} ${units[at]}`;
}
