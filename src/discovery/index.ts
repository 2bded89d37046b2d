export {
  type DnsListen,
  type DnsServer,
  type DnsServerOptions,
  type DnsServerParts,
  startDnsServer,
} from "./dns-server.ts";
export { DiscoveryError, type DiscoveryFault } from "./faults.ts";
export type { ZoneOptions } from "./zone.ts";
