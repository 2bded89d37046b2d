import { readFile, stat } from "node:fs/promises";
import { createLocalJWKSet, type JWTVerifyGetKey } from "jose";
import { type Clock, type Log, messageOf, milliseconds } from "../base/index.ts";
import { refuse } from "./problems.ts";

/** How old the answer to "has the file changed" may be: a key that was taken out is refused after at most this long. */
const STAT_EVERY = milliseconds(1_000);
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** The public keys of an issuer, read again when their file changes. */
export interface JwksFile {
  /** Keys as of now. A file that has become unreadable is reported, and the keys read before stay in use. */
  keys(): Promise<JWTVerifyGetKey>;
}

/** @throws {RegistrationError} registration.internal, when there is no usable key set at the start */
export async function openJwksFile(
  path: string,
  parts: { readonly clock: Clock; readonly log: Log },
): Promise<JwksFile> {
  const { clock, log } = parts;
  let version = "";
  let keys: JWTVerifyGetKey;
  try {
    version = await versionOf(path);
    keys = await read(path);
  } catch (cause) {
    throw refuse("registration.internal", `the key set ${path} cannot be used: ${messageOf(cause)}`);
  }
  let checkedAt = clock.monotonic();
  let checking: Promise<void> | undefined;

  async function check(): Promise<void> {
    try {
      const found = await versionOf(path);
      if (found === version) return;
      version = found; // a file that is wrong is reported once, not once a second
      keys = await read(path);
      log.info("registration.jwks.reloaded", { path });
    } catch (cause) {
      const missing = `missing: ${messageOf(cause)}`;
      if (version !== missing) log.error("registration.jwks.unreadable", { path, reason: messageOf(cause) });
      if (isSystemError(cause)) version = missing;
    } finally {
      checkedAt = clock.monotonic();
      checking = undefined;
    }
  }

  return {
    async keys() {
      if (clock.monotonic() - checkedAt >= STAT_EVERY) {
        checking ??= check();
        await checking;
      }
      return keys;
    },
  };
}

async function versionOf(path: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [ino, size, mtimeNs, ctimeNs].join(" ");
}

function isSystemError(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause;
}

/** @throws {Error} in words for a log: not JSON, no key, or a key that must not be in such a file */
async function read(path: string): Promise<JWTVerifyGetKey> {
  const text = await readFile(path, "utf8");
  const json = JSON.parse(text) as { keys?: unknown } | null;
  const list = json?.keys;
  if (!Array.isArray(list) || list.length === 0) throw new Error('it has no "keys"');
  for (const key of list as (Record<string, unknown> | null)[]) {
    if (typeof key?.kty !== "string") throw new Error('a key has no "kty"');
    const secret = PRIVATE_MEMBERS.find((member) => member in key);
    if (secret !== undefined) throw new Error(`a key has the secret member "${secret}": give public keys only`);
  }
  return createLocalJWKSet({ keys: list });
}
