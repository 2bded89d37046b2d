import { randomBytes, scryptSync } from "node:crypto";

/** Of a password whose strength is nobody's question, where many log in: each time takes 50 ms of a processor with the cost that is ours. */
export function cheapHash(password: string): string {
  const [salt, unpadded] = [
    randomBytes(16),
    (octets: Uint8Array) => Buffer.from(octets).toString("base64").replaceAll("=", ""),
  ];
  return `$scrypt$ln=4,r=8,p=1$${unpadded(salt)}$${unpadded(scryptSync(password, salt, 32, { N: 2 ** 4, r: 8, p: 1 }))}`;
}
