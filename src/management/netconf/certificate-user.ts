import { createHash } from "node:crypto";
import { parseIpv6, toHex } from "../../base/index.ts";

/** Which user a certificate stands for. @see RFC 7407 §2.6 (cert-to-name), RFC 7589 §7 */
export interface CertificateRule {
  readonly id: number;
  /** `04:` and the octets of SHA-256, in hexadecimal with colons. */
  readonly fingerprint: string;
  readonly take: "specified" | "san-rfc822-name" | "san-dns-name" | "san-ip-address" | "san-any" | "common-name";
  /** Present with `specified`. */
  readonly user?: string;
}

/** A certificate as node:tls shows it. */
export interface ShownCertificate {
  readonly raw: Uint8Array;
  readonly subject?: { readonly CN?: string | string[] };
  /** `DNS:a.example, IP Address:192.0.2.1`; names with odd characters are JSON strings. */
  readonly subjectaltname?: string;
  readonly issuerCertificate?: ShownCertificate;
}

/** Certificates in a chain that are looked at. */
const LONGEST_CHAIN = 16;

/** The user whom the first fitting rule names; undefined where there is none. The chain has been verified already. */
export function userOfCertificate(shown: ShownCertificate, rules: readonly CertificateRule[]): string | undefined {
  const chain = fingerprints(shown);
  for (const rule of rules.toSorted((a, b) => a.id - b.id)) {
    if (!chain.includes(rule.fingerprint.toLowerCase())) continue;
    const user = named(shown, rule);
    if (user !== undefined) return user;
  }
  return undefined;
}

/** As the configuration has it. */
export const fingerprintOf = (raw: Uint8Array): string =>
  `04:${createHash("sha256").update(raw).digest("hex").match(/../g)!.join(":")}`;

function fingerprints(shown: ShownCertificate): readonly string[] {
  const found: string[] = [];
  let next: ShownCertificate | undefined = shown;
  for (let i = 0; next !== undefined && i < LONGEST_CHAIN; i++) {
    found.push(fingerprintOf(next.raw));
    // The one at the end has itself as issuer.
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return found;
}

function named(shown: ShownCertificate, { take, user }: CertificateRule): string | undefined {
  switch (take) {
    case "specified":
      return user;
    case "common-name": {
      const name = shown.subject?.CN;
      // Several are as good as none: which one was meant?
      return typeof name === "string" ? name : undefined;
    }
    default: {
      const names = alternativeNames(shown.subjectaltname ?? "");
      return names.find(({ kind }) => take === "san-any" || take === kind)?.name;
    }
  }
}

type Kind = "san-rfc822-name" | "san-dns-name" | "san-ip-address";

const KINDS: Readonly<Record<string, Kind>> = {
  email: "san-rfc822-name",
  DNS: "san-dns-name",
  "IP Address": "san-ip-address",
};

function alternativeNames(text: string): { readonly kind: Kind; readonly name: string }[] {
  return [...text.matchAll(/([A-Za-z][A-Za-z0-9 ]*):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)].flatMap(
    ([, label, written]) => {
      const kind = KINDS[label!];
      // A quoted one has characters that no name of a user has.
      return kind === undefined || written!.startsWith('"') ? [] : [{ kind, name: asUser(kind, written!) }];
    },
  );
}

function asUser(kind: Kind, name: string): string {
  if (kind === "san-dns-name") return name.toLowerCase();
  if (kind === "san-rfc822-name") {
    const at = name.lastIndexOf("@") + 1;
    return name.slice(0, at) + name.slice(at).toLowerCase();
  }
  const octets = parseIpv6(name);
  return octets === undefined ? name : toHex(octets);
}
