import type { Ipv4Prefix, Ipv6Prefix } from "../../base/index.ts";

/** How IPv4-only clients and agents are served at this router. */
export interface Ipv4Configuration {
  /** A /96. @see RFC 6052 §2.2 */
  readonly prefix: Ipv6Prefix;
  /** What IPv6 clients are called by IPv4-only agents; absent: there are none of these. */
  readonly guests?: Ipv4Prefix;
  readonly pools: readonly { readonly tenant: string; readonly prefix: Ipv4Prefix }[];
}
