import type { Server, TLSSocket } from "node:tls";

/**
 * Lets `tlsClientError` say who it was: a stream that is closed has no address, and a client whose certificate is not let in is told of
 * when it is closed. This is the only event before that which shows the stream; the secret that it is about is looked at by nobody.
 */
export function rememberAddresses(server: Server): void {
  server.on("keylog", (_secret, stream: TLSSocket) => void stream.remoteAddress);
}

/** Why a handshake failed, for logs; `undefined`: the client has closed the connection. */
export function handshakeFault(cause: Error, stream: TLSSocket): string | undefined {
  // Node tells of both as of a client that has hung up.
  const verdict = stream.authorizationError as unknown as string | undefined;
  if (verdict) return `the client's certificate is refused: ${verdict}`;
  const { code, reason } = cause as Error & { readonly code?: string; readonly reason?: string };
  if (code === "ECONNRESET") return undefined;
  return reason ?? cause.message;
}

export const HUNG_UP = "the client closed the connection in the TLS handshake";
