import ssh2 from "ssh2";

/** In the formats of OpenSSH. */
export interface SshKeyPair {
  readonly private: string;
  readonly public: string;
}

export type SshKeyKind = "ed25519" | "ecdsa";

/** Makes a pair, sound or not. */
export type MakeKeyPair = (kind: SshKeyKind, comment: string) => SshKeyPair;

/** One in 256 is no good by itself: this many in a row mean that no pair ever will be. */
const ATTEMPTS = 16;

/**
 * A new pair of SSH keys. `ssh2` leaves out leading octets of a public key that are 0 and so makes one pair in some hundreds
 * that nobody can read, itself included: what it makes is read back, and made again where that fails.
 *
 * @throws {Error} where none of some attempts can be read.
 */
export function sshKeyPair(kind: SshKeyKind, comment = "", make: MakeKeyPair = generate): SshKeyPair {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const pair = make(kind, comment);
    if (isSound(pair)) return pair;
  }
  throw new Error(`none of ${ATTEMPTS} new ${kind} key pairs can be read back: check the installation of ssh2`);
}

function isSound(pair: SshKeyPair): boolean {
  const own = ssh2.utils.parseKey(pair.private);
  const others = ssh2.utils.parseKey(pair.public);
  return !(own instanceof Error || others instanceof Error) && own.getPublicSSH().equals(others.getPublicSSH());
}

function generate(kind: SshKeyKind, comment: string): SshKeyPair {
  return kind === "ed25519"
    ? ssh2.utils.generateKeyPairSync("ed25519", { comment })
    : ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256, comment });
}
