import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { CommandFailure, EXIT } from "../exit.ts";
import type { Environment, RouterLogin } from "./target.ts";

/** A router as the file has it. */
export interface RouterProfile extends RouterLogin {
  readonly address?: string;
}

/** Members of an entry, and whether they name a file. */
const MEMBERS = {
  address: ["address", "text"],
  "tls-ca": ["ca", "file"],
  "tls-cert": ["cert", "file"],
  "tls-key": ["key", "file"],
  "tls-server-name": ["serverName", "text"],
  username: ["username", "text"],
  "password-file": ["passwordFile", "file"],
  "token-file": ["tokenFile", "file"],
} as const;

const homeOf = (env: Environment): string => env.HOME || homedir();

/** @see https://specifications.freedesktop.org/basedir-spec/latest/ */
const profilesFile = (env: Environment): string =>
  path.join(env.XDG_CONFIG_HOME || path.join(homeOf(env), ".config"), "semrctl", "routers.yaml");

/** The names of the file; none where there is no good one. */
export async function profileNames(env: Environment): Promise<readonly string[]> {
  try {
    return Object.keys(await read(profilesFile(env)));
  } catch (cause) {
    if (cause instanceof CommandFailure) return []; // said when one of them is used
    throw cause;
  }
}

/** @throws {CommandFailure} where the entry, or the file, is not good */
export async function readProfile(name: string, env: Environment): Promise<RouterProfile | undefined> {
  const file = profilesFile(env);
  const routers = await read(file);
  if (!Object.hasOwn(routers, name)) return undefined;
  const entry: unknown = routers[name];
  const bad = (what: string): CommandFailure => new CommandFailure(EXIT.refused, `${file}: ${name}: ${what}`);
  if (!isObject(entry)) throw bad("is no mapping of address, tls-ca and the like");
  const place = (text: string): string =>
    text.startsWith("~/") ? path.join(homeOf(env), text.slice(2)) : path.resolve(path.dirname(file), text);
  const members = Object.entries(entry).map(([member, value]) => {
    if (!Object.hasOwn(MEMBERS, member)) throw bad(`knows no ${member}: there are ${Object.keys(MEMBERS).join(", ")}`);
    if (typeof value !== "string") throw bad(`${member} is no text`);
    const [property, kind] = MEMBERS[member as keyof typeof MEMBERS];
    return [property, kind === "file" ? place(value) : value] as const;
  });
  return Object.fromEntries(members) as RouterProfile;
}

async function read(file: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return {};
    throw new CommandFailure(EXIT.refused, `${file} cannot be read (${code}): check its permissions`);
  }
  const { parse, YAMLError } = await import("yaml");
  try {
    const value: unknown = parse(text, { maxAliasCount: 0 });
    const routers = isObject(value) ? value.routers : value;
    if (routers === null || routers === undefined) return {};
    if (isObject(routers)) return routers;
  } catch (cause) {
    if (!(cause instanceof YAMLError)) throw cause;
    const [what = ""] = cause.message.split("\n");
    throw new CommandFailure(EXIT.refused, `${file} is no YAML: ${what}`);
  }
  throw new CommandFailure(EXIT.refused, `${file} has no mapping "routers" of names`);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
