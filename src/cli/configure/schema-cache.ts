import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { SchemaPart, SchemaReport } from "../../management/index.ts";
import { Model } from "../../words/index.ts";
import { type ClientOptions, fetchReport } from "../client.ts";
import type { RouterLink } from "../router/connection.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** @see https://specifications.freedesktop.org/basedir-spec/latest/ */
function cacheFile({ target, place }: RouterLink, env: Environment, of: SchemaPart): string {
  // Other hosts may have other versions; those of this host are as good as one.
  const where = target.kind === "socket" ? "" : `-${place.replace(/[^\w.-]/g, "_")}`;
  const name = of === "configuration" ? `schema${where}.json` : `schema-${of}${where}.json`;
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "semrctl", name);
}

/**
 * The router's schema: the one kept from last time where it still is the router's, else fetched, and kept.
 *
 * @throws {CommandFailure} when no router answers
 */
export async function fetchModel(
  client: ClientOptions,
  env: Environment,
  of: SchemaPart = "configuration",
): Promise<Model> {
  const file = cacheFile(client.link, env, of);
  const kept = await read(file);
  const known = kept?.["content-id"];
  // A router that knows of no parts is not asked for one unless it has to be
  const part = of === "configuration" ? undefined : of;
  const wanted = { method: "GET", path: "/config/schema", parameters: { known, of: part } } as const;
  const report = await fetchReport<SchemaReport>(client, wanted);
  if (report.nodes === undefined) return new Model(kept!.nodes!);
  await keep(file, report);
  return new Model(report.nodes);
}

async function read(file: string): Promise<SchemaReport | undefined> {
  try {
    const value = JSON.parse(await readFile(file, "utf8")) as SchemaReport | null;
    return typeof value?.["content-id"] === "string" && Array.isArray(value.nodes) ? value : undefined;
  } catch {
    return undefined; // absent, or cut off: fetched anew
  }
}

/** A home that cannot be written to costs a fetch each time, and nothing else. */
async function keep(file: string, report: SchemaReport): Promise<void> {
  const draft = `${file}.${process.pid}`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(draft, JSON.stringify(report), { mode: 0o600 });
    await rename(draft, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === undefined) throw cause;
  }
}
