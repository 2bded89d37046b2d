import { spawn } from "node:child_process";
import { once } from "node:events";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Shows text with `$PAGER`, else `less`, as it comes, and resolves when the reader has seen enough; where there is no such program, `out`
 * gets it. Ctrl-C is the pager's meanwhile.
 */
export async function pageStream(
  text: AsyncIterable<string>,
  env: Environment,
  out: (text: string) => Promise<void>,
): Promise<void> {
  const [command, ...args] = (env.PAGER || "less -FRX").split(/\s+/) as [string, ...string[]];
  const ignored = (): void => {};
  process.on("SIGINT", ignored);
  try {
    const child = spawn(command, args, { stdio: ["pipe", "inherit", "inherit"] });
    // A reader that leaves early takes no more.
    child.stdin.on("error", ignored);
    const closed = once(child, "close").then(
      () => "closed" as const,
      (cause: NodeJS.ErrnoException) => cause,
    );
    let write: (part: string) => Promise<unknown> = async (part) => {
      if (!child.stdin.write(part)) await Promise.race([once(child.stdin, "drain").catch(ignored), closed]);
    };
    const started = await Promise.race([once(child, "spawn").catch(ignored), closed]);
    if (started instanceof Error) {
      if ((started as NodeJS.ErrnoException).code !== "ENOENT") throw started;
      write = out;
    }
    for await (const part of text) {
      await write(part);
      if (write !== out && !child.stdin.writable) break;
    }
    child.stdin.end();
    await closed;
  } finally {
    process.off("SIGINT", ignored);
  }
}
