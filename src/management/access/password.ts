import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/**
 * Passwords are kept as scrypt hashes (RFC 7914) in the PHC string format: `$scrypt$ln=15,r=8,p=1$salt$hash`, the last two
 * in base64 without padding.
 */
interface Parameters {
  /** Binary logarithm of the cost. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

const OURS: Parameters = { ln: 15, r: 8, p: 1 };
const SALT_OCTETS = 16;
const HASH_OCTETS = 32;
/** A hash that asks for more memory or time than this is refused: the configuration must not stall the router. */
const MOST = { ln: 18, r: 16, p: 4 } as const;
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

const derive = (password: string, salt: Uint8Array, octets: number, { ln, r, p }: Parameters): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options = { N: 2 ** ln, r, p, maxmem: 256 * 2 ** ln * r };
    scrypt(password.normalize("NFC"), salt, octets, options, (cause, key) => (cause ? reject(cause) : resolve(key)));
  });

/** Of a password, as the configuration has it: scrypt with a new salt, in the PHC string format. Takes some 100 ms, on a worker. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_OCTETS);
  const hash = await derive(password, salt, HASH_OCTETS, OURS);
  const { ln, r, p } = OURS;
  return `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(hash)}`;
}

const unpadded = (octets: Uint8Array): string => Buffer.from(octets).toString("base64").replaceAll("=", "");

/** Why `text` cannot be the hash of a password; absent if it can. */
export function passwordHashFault(text: string): string | undefined {
  const [, ln, r, p] = PHC.exec(text) ?? [];
  if (ln === undefined) return "not a hash as semrctl hash-password makes it ($scrypt$ln=…,r=…,p=…$salt$hash)";
  const wanted = { ln: Number(ln), r: Number(r), p: Number(p) };
  const fits = (name: keyof Parameters): boolean => wanted[name] >= 1 && wanted[name] <= MOST[name];
  return fits("ln") && fits("r") && fits("p") ? undefined : "its cost is beyond ln=18, r=16, p=4";
}

/** False also for a hash that is none. Runs off the main thread, tens of milliseconds on purpose. */
export async function passwordMatches(password: string, hash: string): Promise<boolean> {
  const found = PHC.exec(hash);
  if (found === null || passwordHashFault(hash) !== undefined) return false;
  const [, ln, r, p, salt, wanted] = found as unknown as string[];
  const expected = Buffer.from(wanted!, "base64");
  const parameters = { ln: Number(ln), r: Number(r), p: Number(p) };
  const got = await derive(password, Buffer.from(salt!, "base64"), expected.length, parameters);
  return timingSafeEqual(got, expected);
}
