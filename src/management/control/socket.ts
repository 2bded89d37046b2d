import { lstat, mkdir, unlink } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { messageOf } from "../../base/index.ts";

/** Why the control socket cannot be opened. */
export class ControlSocketError extends Error {
  /** `control.in-use`: a live router has it. `control.path-taken`: something else stands there. `control.no-permission`, `control.failed`. */
  readonly code: "control.in-use" | "control.path-taken" | "control.no-permission" | "control.failed";

  constructor(code: ControlSocketError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ControlSocketError";
    this.code = code;
  }
}

/** Turns an error of the file system about `place` into one that says what to do. */
export function socketFailure(cause: unknown, place: string): ControlSocketError {
  if (cause instanceof ControlSocketError) return cause;
  const code = (cause as { code?: unknown }).code;
  if (code === "EADDRINUSE")
    return new ControlSocketError("control.in-use", `${place} was taken by another router just now`, { cause });
  if (code === "EACCES" || code === "EPERM")
    return new ControlSocketError(
      "control.no-permission",
      `no permission to make the control socket ${place}: start as root, or give management/control-socket another path`,
      { cause },
    );
  return new ControlSocketError("control.failed", `the control socket ${place} cannot be made: ${messageOf(cause)}`, {
    cause,
  });
}

type Listener = "nobody" | "somebody";

function probe(place: string): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(place);
    socket.once("connect", () => {
      socket.destroy();
      resolve("somebody");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve("nobody");
      else if (error.code === "EAGAIN")
        resolve("somebody"); // its queue is full, so it has one
      else reject(error);
    });
  });
}

/**
 * Makes room at `place`: creates its folder (0755) and removes a socket that a dead process left behind.
 *
 * @throws {ControlSocketError}
 */
export async function claimSocketPath(place: string): Promise<void> {
  try {
    await mkdir(path.dirname(place), { recursive: true, mode: 0o755 });
    const before = await lstat(place).catch(ignoreMissing);
    if (before === undefined) return;
    if (!before.isSocket())
      throw new ControlSocketError(
        "control.path-taken",
        `${place} is not a socket: remove it, or give management/control-socket another path`,
      );
    if ((await probe(place)) === "somebody")
      throw new ControlSocketError(
        "control.in-use",
        `another router answers at ${place}: stop it, or give management/control-socket another path`,
      );
    const now = await lstat(place).catch(ignoreMissing);
    if (now !== undefined && now.ino === before.ino) await unlink(place).catch(ignoreMissing);
  } catch (cause) {
    throw socketFailure(cause, place);
  }
}

/** `undefined`: there is nothing. */
export function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}
