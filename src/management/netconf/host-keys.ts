import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import ssh2 from "ssh2";
import { type Log, messageOf } from "../../base/index.ts";
import { sshKeyPair } from "../access/index.ts";

/** Replaces a file in one step, with mode 0600. */
export type WriteSecret = (file: string, text: string) => Promise<void>;

/** Ed25519 for those of today, ECDSA for clients that do not know it. */
const KINDS = [
  { file: "ssh-host-ed25519-key", kind: "ed25519" },
  { file: "ssh-host-ecdsa-key", kind: "ecdsa" },
] as const;

/**
 * The private keys of this host in `directory`, made where they are missing: once in the life of a router. Their
 * fingerprints are logged, for whoever logs in for the first time.
 *
 * @throws {Error} for a file that is no key, saying which.
 */
export async function hostKeys(directory: string, write: WriteSecret, log: Log): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const { file, kind } of KINDS) {
    const place = path.join(directory, file);
    if (!existsSync(place)) {
      await write(place, sshKeyPair(kind).private);
      log.info("netconf.host-key-made", { file: place });
    }
    const text = await readFile(place, "utf8");
    const key = ssh2.utils.parseKey(text);
    if (key instanceof Error || !key.isPrivateKey()) {
      const reason = key instanceof Error ? messageOf(key) : "it is a public key";
      throw new Error(
        `${place} is not a private host key (${reason}): put the right one there, or remove it to have a new one made`,
      );
    }
    log.info("netconf.host-key", { type: key.type, fingerprint: fingerprint(key.getPublicSSH()) });
    keys.push(text);
  }
  return keys;
}

/** As OpenSSH shows it. */
function fingerprint(octets: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(octets).digest("base64").replaceAll("=", "")}`;
}
