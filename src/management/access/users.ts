import ssh2, { type ParsedKey } from "ssh2";
import { hashPassword, passwordHashFault, passwordMatches } from "./password.ts";

/** Somebody who may operate this router; what they may do there is the access control's. */
export interface User {
  readonly name: string;
  /** Public keys as in `authorized_keys`, without options. */
  readonly authorizedKeys: readonly string[];
  /** As {@link hashPassword} makes it; absent: no password is good. */
  readonly passwordHash?: string;
}

/** Why a line is not a public key; absent if it is one. */
export function publicKeyFault(line: string): string | undefined {
  const key = ssh2.utils.parseKey(line);
  if (key instanceof Error) return "not a public key as in authorized_keys (ssh-ed25519 AAAA… comment)";
  return key.isPrivateKey() ? "a private key: the router needs the public one only" : undefined;
}

export { passwordHashFault };

interface Known {
  readonly keys: readonly ParsedKey[];
  readonly passwordHash: string | undefined;
}

/** The users of the running configuration. Who is not among them is told the same, after the same time, as one who is. */
export class UserBook {
  #users = new Map<string, Known>();
  #revision = 0;
  /** For names that are nobody's. */
  readonly #decoy = hashPassword(crypto.randomUUID());

  /** Another number whenever the users are others: what was found out about one holds only for the same. */
  get revision(): number {
    return this.#revision;
  }

  /** Takes effect for the next login. */
  replace(users: readonly User[]): void {
    this.#revision++;
    this.#users = new Map(
      users.map(({ name, authorizedKeys, passwordHash }) => [name, { keys: authorizedKeys.map(parsed), passwordHash }]),
    );
  }

  has(name: string): boolean {
    return this.#users.has(name);
  }

  /** The key of `name` that has these octets (RFC 4253 §6.6). */
  keyOf(name: string, octets: Uint8Array): ParsedKey | undefined {
    return this.#users.get(name)?.keys.find((key) => key.getPublicSSH().equals(octets));
  }

  async passwordMatches(name: string, password: string): Promise<boolean> {
    const hash = this.#users.get(name)?.passwordHash;
    const matches = await passwordMatches(password, hash ?? (await this.#decoy));
    return matches && hash !== undefined;
  }
}

function parsed(line: string): ParsedKey {
  const key = ssh2.utils.parseKey(line);
  if (key instanceof Error) throw new RangeError(`not a public key: ${key.message}`);
  return key;
}
