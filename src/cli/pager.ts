import { spawn } from "node:child_process";
import { once } from "node:events";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Shows text with `$PAGER`, else `less`, and resolves when the reader has seen enough. The answer: whether there was one.
 * Ctrl-C is the pager's meanwhile.
 */
export async function page(text: string, env: Environment): Promise<boolean> {
  const [command, ...args] = (env.PAGER || "less -FRX").split(/\s+/) as [string, ...string[]];
  const ignored = (): void => {};
  process.on("SIGINT", ignored);
  try {
    const child = spawn(command, args, { stdio: ["pipe", "inherit", "inherit"] });
    // A reader that leaves early takes no more.
    child.stdin.on("error", ignored);
    const closed = once(child, "close");
    child.stdin.end(text);
    await closed;
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw cause;
  } finally {
    process.off("SIGINT", ignored);
  }
}
