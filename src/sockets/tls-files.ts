import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { messageOf } from "../base/index.ts";
import { authoritiesFault, certificateFault, keyFault } from "./tls-pair.ts";

/** Paths of files in PEM. */
export interface TlsFiles {
  /** With its chain. */
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Of the authorities that vouch for the other end; absent: it is not asked who it is. */
  readonly authorityFiles?: readonly string[];
}

/** What they hold, as `node:tls` takes it. */
export interface TlsIdentity {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

/**
 * Reads files that a server or a client of TLS can be made of.
 *
 * @param what they are, for who reads why they cannot be used: "the certificate of gNMI"
 * @throws {Error} that names the file and says what to do; its cause is Node's where the file cannot be read
 */
export async function readTlsFiles(files: TlsFiles, what: string): Promise<TlsIdentity> {
  const { certificateFile, keyFile, authorityFiles } = files;
  const wrong = (file: string, reason: string, cause?: unknown): Error =>
    new Error(`${what} cannot be used (${file}): ${reason}`, { cause });
  const read = async (file: string, holding: string): Promise<Buffer> => {
    try {
      return await readFile(file);
    } catch (cause) {
      throw wrong(file, unreadable(cause, holding), cause);
    }
  };
  const [key, cert, authorities] = await Promise.all([
    read(keyFile, "key"),
    read(certificateFile, "certificate"),
    authorityFiles && Promise.all(authorityFiles.map((file) => read(file, "certificate of an authority"))),
  ]);
  const useless = keyFault(String(key)) ?? certificateFault(String(cert), String(key));
  if (useless !== undefined) throw wrong(useless.of === "key" ? keyFile : certificateFile, useless.reason);
  if (authorities === undefined) return { cert, key };
  for (const [at, octets] of authorities.entries()) {
    const fault = authoritiesFault(String(octets));
    if (fault !== undefined) throw wrong(authorityFiles![at]!, fault);
  }
  // A file may end within its last line.
  const ca = Buffer.concat(authorities.flatMap((octets) => [octets, Buffer.from("\n")]));
  try {
    createSecureContext({ cert, key, ca });
  } catch (cause) {
    throw wrong([certificateFile, keyFile, ...authorityFiles!].join(", "), messageOf(cause), cause);
  }
  return { cert, key, ca };
}

/** Why a file cannot be read, and what to do. */
export function unreadable(cause: unknown, what: string): string {
  const code = (cause as { code?: unknown }).code;
  if (code === "ENOENT") return `there is no such ${what}: check the path, or make the file`;
  if (code === "EACCES" || code === "EPERM")
    return `no permission to read the ${what}: check its owner and mode, and those of its folders`;
  if (code === "EISDIR") return `a folder, where a ${what} is expected`;
  return `the ${what} cannot be read: ${messageOf(cause)}`;
}
