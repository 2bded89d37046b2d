import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errnoOf, HostError } from "./faults.ts";
import { isFull, roomAt } from "./no-room.ts";

/** A directory that only this process works in, until it is disposed or dies. */
export interface StateDirectory extends Disposable {
  readonly path: string;
}

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

/**
 * Makes the directory if need be and takes it for this process alone.
 *
 * Node has no flock; SQLite's exclusive lock on an empty database is a POSIX record lock, which the kernel drops however
 * the process ends, and which holds across network namespaces, where an abstract socket would not.
 * @throws {HostError} host.state-directory-in-use, host.state-directory-unusable
 */
export async function openStateDirectory(path: string): Promise<StateDirectory> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw await unusable(path, cause);
  }
  const owner = join(path, "owner");
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(path, "lock"));
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    await writeFile(owner, `${process.pid}\n`);
  } catch (cause) {
    lock?.close();
    if (cause instanceof Error && "errcode" in cause && cause.errcode === SQLITE_BUSY) throw await inUse(path, owner);
    throw await unusable(path, cause);
  }
  const held = lock;
  return { path, [Symbol.dispose]: () => held.close() };
}

async function inUse(path: string, ownerFile: string): Promise<HostError> {
  const owner = (await readFile(ownerFile, "utf8").catch(() => "")).trim();
  const who = owner === "" ? "another process" : `process ${owner}`;
  return new HostError(
    { code: "host.state-directory-in-use", path, ...(owner === "" ? {} : { owner }) },
    `${path} is in use by ${who}: stop it, or give this router a state-directory of its own`,
  );
}

async function unusable(path: string, cause: unknown): Promise<HostError> {
  const detail = cause instanceof Error ? cause.message : String(cause);
  const hasNoRoom = cause instanceof Error && ("errcode" in cause ? cause.errcode === SQLITE_FULL : isFull(cause));
  const advice = hasNoRoom
    ? `make room ${await roomAt(path)}`
    : "check that it is a directory, on a file system that can be written, and that this user may write to it";
  return new HostError(
    { code: "host.state-directory-unusable", path, errno: errnoOf(cause) },
    `the state directory ${path} cannot be used (${detail}): ${advice}`,
    { cause },
  );
}
