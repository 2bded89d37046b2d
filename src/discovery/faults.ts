import { FaultError } from "../base/index.ts";

export type DiscoveryFault = {
  readonly code: "discovery.listen-failed";
  readonly transport: "udp" | "tcp";
  readonly address: string;
  readonly port: number;
  readonly errno: string;
};

/** A server of discovery cannot listen. */
export class DiscoveryError extends FaultError<DiscoveryFault> {}

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: "another server holds it (often systemd-resolved on port 53): stop that one or choose another address",
  EACCES: "ports below 1024 need root or CAP_NET_BIND_SERVICE",
  EADDRNOTAVAIL: "no interface has that address (or it is still tentative): configure it first",
};

export function listenFailed(
  transport: "udp" | "tcp",
  { address, port }: { readonly address: string; readonly port: number },
  cause: unknown,
): DiscoveryError {
  const errno = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
  const advice = ADVICE[errno] ?? "check discovery/dns/listen";
  return new DiscoveryError(
    { code: "discovery.listen-failed", transport, address, port, errno },
    `DNS cannot listen at [${address}]:${port} over ${transport} (${errno}): ${advice}`,
    { cause },
  );
}
