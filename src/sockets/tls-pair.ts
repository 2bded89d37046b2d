import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { messageOf } from "../base/index.ts";

/** Why a private key, or a certificate with its key, is of no use to a server. */
export interface PairFault {
  readonly of: "key" | "certificate";
  readonly reason: string;
  readonly tag: "bad-private-key" | "bad-certificate" | "key-mismatch";
}

/** What keeps a private key from being used. Says what OpenSSL says when a server or a client is given it. */
export function keyFault(key: string): PairFault | undefined {
  const refusal = refusalOf({ key: Buffer.from(key) });
  if (refusal === undefined) return undefined;
  return { of: "key", tag: "bad-private-key", reason: whyNoKey(key, refusal) };
}

/** What keeps a certificate, with its chain, from being shown by who has `key`, which is one. */
export function certificateFault(certificate: string, key: string): PairFault | undefined {
  const cert = Buffer.from(certificate);
  const none = refusalOf({ cert });
  if (none !== undefined) {
    const reason = PRIVATE_KEY.test(certificate)
      ? "a private key, where a certificate is expected"
      : `no certificate in PEM that can be used (${none})`;
    return { of: "certificate", tag: "bad-certificate", reason };
  }
  const refusal = refusalOf({ cert, key: Buffer.from(key) });
  if (refusal === undefined) return undefined;
  const reason = `the certificate does not belong to the private key of this entry (${refusal}): name the two that belong together`;
  return { of: "certificate", tag: "key-mismatch", reason };
}

/** As OpenSSL finds them. @see PEM_read_bio_X509_AUX(3) */
const CERTIFICATES = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[\s\S]*?(?:-----END \1-----|(?=-----BEGIN )|$)/g;

/**
 * What keeps a text from being authorities that are believed. OpenSSL takes one without any certificate for nobody, and what comes
 * after a damaged one for the end: nobody would notice before those of the missing ones are turned away.
 */
export function authoritiesFault(authorities: string): string | undefined {
  const found = authorities.match(CERTIFICATES) ?? [];
  if (found.length === 0) {
    const what = PRIVATE_KEY.test(authorities) ? "a private key" : "no certificate in PEM";
    return `${what}, where certificates of authorities are expected: put those into the file whose bearers are to be let in`;
  }
  for (const [at, certificate] of found.entries()) {
    try {
      new X509Certificate(certificate);
    } catch (cause) {
      return `the certificate at place ${at + 1} of ${found.length} is damaged (${messageOf(cause)}): put it in again, or take it out`;
    }
  }
  return undefined;
}

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

function whyNoKey(key: string, refusal: string): string {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(key))
    return "the private key is encrypted, and nobody is asked for its passphrase: keep it without one, readable by semrd only";
  if (key.includes("-----BEGIN CERTIFICATE-----")) return "a certificate, where a private key is expected";
  if (key.includes("-----BEGIN PUBLIC KEY-----")) return "a public key, where a private key is expected";
  return `no private key in PEM that can be used (${refusal})`;
}

/**
 * Octets, as an empty text would be taken for none; without the authorities that Node brings along, which take time to read
 * and are no matter here.
 */
function refusalOf(pair: SecureContextOptions): string | undefined {
  try {
    createSecureContext({ ...pair, ca: [] });
    return undefined;
  } catch (cause) {
    return messageOf(cause);
  }
}

/** That a certificate is not valid at `now`; of a chain the first, which is the router's own. `undefined`: it is. */
export function notValidAt(now: number, certificate: string): string | undefined {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  if (now > validToDate.getTime()) return `ended at ${validToDate.toISOString()}: put a new one in its place`;
  if (now < validFromDate.getTime())
    return `begins at ${validFromDate.toISOString()} only: check it, and the clock of this host`;
  return undefined;
}
