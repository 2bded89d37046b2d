/*
 * A process that takes the place of this one: same program, arguments, number, standard streams and parent, so that whoever
 * supervises the router (systemd, a container's runtime, a shell) neither notices nor has to do anything.
 */

/** What the one before left to this process, and takes it out of the environment. */
export function leftByEarlier(name: string): unknown {
  const text = process.env[name];
  if (text === undefined) return undefined;
  delete process.env[name];
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // somebody else has set it
  }
}

/**
 * Replaces this process; what it has open is gone without being closed, so close it before. `left` is for {@link leftByEarlier}.
 *
 * @throws {Error} with `code` and `syscall`, where the program cannot be run any more
 * @see execve(2)
 */
export function becomeSameAgain(name: string, left: unknown): never {
  const { execPath, execArgv, argv, env } = process;
  const all = [execPath, ...execArgv, ...argv.slice(1)];
  process.execve!(execPath, all, { ...env, [name]: JSON.stringify(left) } as Record<string, string>);
  throw new Error("execve came back");
}
