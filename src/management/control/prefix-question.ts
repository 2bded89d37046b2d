import {
  embedIpv4,
  type Ipv6Address,
  type Ipv6Prefix,
  parseIpv4,
  parseIpv4Prefix,
  parseIpv6,
  parseIpv6Prefix,
  prefixContains,
} from "../../base/index.ts";
import { ControlRefusal } from "./handlers.ts";

/** IPv4 is behind it here, so that both are one kind. @see RFC 4291 §2.5.5.2 */
const MAPPED = parseIpv6Prefix("::ffff:0:0/96")!;

/**
 * Which prefixes are asked for: a prefix is that alone, an address all that cover it, as a route to it is looked for.
 * @returns of the text of a prefix, whether it is meant
 * @throws {ControlRefusal} `control.bad-prefix`
 */
export function prefixQuestion(asked: string): (prefix: string) => boolean {
  const prefix = prefixOf(asked);
  if (prefix !== undefined) {
    return (text) => {
      const other = prefixOf(text);
      return other !== undefined && other.length === prefix.length && prefixContains(prefix, other.address);
    };
  }
  const address = addressOf(asked);
  if (address !== undefined) {
    return (text) => {
      const other = prefixOf(text);
      return other !== undefined && isOfKind(other, asked) && prefixContains(other, address);
    };
  }
  throw new ControlRefusal(
    400,
    "control.bad-prefix",
    "Bad request",
    `${JSON.stringify(asked)} is neither a prefix, such as 2001:db8::/32 or 192.0.2.0/24 (without host bits), nor an address`,
  );
}

/** A default route of IPv6 covers no address of IPv4. */
const isOfKind = ({ length }: Ipv6Prefix, asked: string): boolean => asked.includes(":") || length >= MAPPED.length;

function prefixOf(text: string): Ipv6Prefix | undefined {
  if (text.includes(":")) return parseIpv6Prefix(text);
  const found = parseIpv4Prefix(text);
  return found && { address: embedIpv4(MAPPED, found.address), length: MAPPED.length + found.length };
}

function addressOf(text: string): Ipv6Address | undefined {
  if (text.includes(":")) return parseIpv6(text);
  const found = parseIpv4(text);
  return found === undefined ? undefined : embedIpv4(MAPPED, found);
}
