import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Command } from "./commands.ts";
import type { ListedRule } from "./rules.ts";

const LONGEST_MS = 60_000;
const MOST_OUTPUT = 64 * 1024 * 1024;

/**
 * Carries lines out in their order, and goes on after one that fails. Groups of next hops have no address family, everything
 * else has one: each run of the one or the other kind is a process.
 * @throws {Error} naming the lines that failed and the kernel's words
 */
export async function carryOut(commands: Iterable<Command>): Promise<void> {
  const failures: string[] = [];
  let lines: Command[] = [];
  let groups = false;
  for (const command of commands) {
    if (lines.length > 0 && isGroup(command) !== groups) {
      failures.push(...(await carryOutRun(lines, groups)));
      lines = [];
    }
    groups = isGroup(command);
    lines.push(command);
  }
  failures.push(...(await carryOutRun(lines, groups)));
  if (failures.length > 0) throw new Error(`ip refuses ${failures.length} lines, first ${failures[0]}`);
}

const isGroup = (command: Command): boolean => /^nexthop replace id \d+ group /.test(command);

async function carryOutRun(lines: readonly Command[], groups: boolean): Promise<readonly string[]> {
  if (lines.length === 0) return [];
  const { code, errors } = await run([...(groups ? [] : ["-6"]), "-force", "-batch", "-"], `${lines.join("\n")}\n`);
  if (code === 0) return [];
  const failed = Array.from(errors.matchAll(/Command failed -:(\d+)/g), ([, line]) => `"${lines[Number(line) - 1]}"`);
  return failed.length === 0 ? [errors.trim()] : failed.map((line) => `${line}: ${errors.split("\n")[0]}`);
}

export const listedRules = async (): Promise<readonly ListedRule[]> =>
  JSON.parse((await ask(["-json", "-6", "rule"])) || "[]") as ListedRule[];

/** The "unreachable" routes of a protocol, wherever they are: no next hop takes them along. */
export async function listedUnreachable(
  protocol: number,
): Promise<readonly { readonly dst: string; readonly table: string }[]> {
  const words = ["route", "show", "table", "all", "type", "unreachable", "protocol", String(protocol)];
  const text = await ask(["-json", "-6", ...words]);
  const listed = JSON.parse(text || "[]") as readonly { readonly dst?: string; readonly table?: string }[];
  return listed.flatMap(({ dst, table }) => (dst === undefined || table === undefined ? [] : [{ dst, table }]));
}

/** Ids of the kernel's next hops and groups of a protocol. */
export async function listedNextHops(protocol: number): Promise<ReadonlySet<number>> {
  const text = await ask(["-json", "nexthop", "show", "protocol", String(protocol)]);
  const listed = JSON.parse(text || "[]") as readonly { readonly id?: number }[];
  return new Set(listed.flatMap(({ id }) => (id === undefined ? [] : [id])));
}

async function ask(args: readonly string[]): Promise<string> {
  const { code, output, errors } = await run(args, "");
  if (code !== 0) throw new Error(`ip ${args.join(" ")}: ${errors.trim()}`);
  return output.trim();
}

async function run(
  args: readonly string[],
  input: string,
): Promise<{ readonly code: number; readonly output: string; readonly errors: string }> {
  const child = spawn("ip", args, { stdio: ["pipe", "pipe", "pipe"], timeout: LONGEST_MS });
  const texts = { output: "", errors: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (texts.output.length < MOST_OUTPUT) texts.output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (texts.errors.length < MOST_OUTPUT) texts.errors += text;
  });
  // Where the program is missing its "error" says so
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code: code ?? 1, ...texts };
}
