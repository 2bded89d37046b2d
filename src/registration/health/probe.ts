import { connect, type Socket } from "node:net";
import { formatIpv6 } from "../../base/index.ts";
import type { Endpoint, HealthCheck } from "../../directory/index.ts";

export type ProbeResult =
  | { readonly outcome: "passed" }
  /** Why it failed, in one line that holds nothing the other end chose. */
  | { readonly outcome: "failed"; readonly reason: string }
  /** This router could not ask; says nothing about the instance. */
  | { readonly outcome: "inconclusive"; readonly reason: string };

/** Asks an endpoint once. Never rejects; ends within the check's timeout, or soon after `signal` aborts. */
export type Probe = (endpoint: Endpoint, check: HealthCheck, signal: AbortSignal) => Promise<ProbeResult>;

/** A timer that comes later than this share of the timeout was held up by this process itself. */
const HELD_UP = 0.25;
/** Times that a probe is given what this process has held up. */
const MOST_EXTENSIONS = 3;

/** A status line is read from at most so much of a response. */
const MOST_STATUS_OCTETS = 1_024;

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ETIMEDOUT: "connection timed out",
};

/** What is wrong with this router, not with the instance. */
const OWN_REASONS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: "this router has no address or port left to probe from",
  EMFILE: "this process has no file descriptors left",
  ENFILE: "this machine has no file descriptors left",
  ENOBUFS: "this machine has no buffers left",
  ENOMEM: "this machine has no memory left",
};

/**
 * Probes over the network: `tcp` opens a connection, `http` also sends GET and wants a status of 200 to 299. `host` is what this
 * router calls the endpoint's address, IPv4 for an agent that knows nothing else.
 * @see RFC 9112 §4 (status line)
 */
export const networkProbe = (
  endpoint: Endpoint,
  check: HealthCheck,
  signal: AbortSignal,
  host: string = formatIpv6(endpoint.address),
): Promise<ProbeResult> => {
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const socket: Socket = connect({ host, port: endpoint.port, noDelay: true });
  const finish = (result: ProbeResult): void => {
    clearTimeout(timer);
    clearImmediate(last);
    signal.removeEventListener("abort", abort);
    socket.resetAndDestroy(); // a probe that lingers in TIME_WAIT would use up ports
    resolve(result);
  };
  const abort = (): void => finish({ outcome: "inconclusive", reason: "the check was ended" });
  // What has come while this process was busy is read first, and time in which nothing could be read does not count:
  // a busy router must not take its agents for dead.
  let due = performance.now() + check.timeout;
  let extensions = 0;
  let last: NodeJS.Immediate | undefined;
  const expire = (): void => {
    const late = performance.now() - due;
    if (late > check.timeout * HELD_UP && extensions++ < MOST_EXTENSIONS) {
      const more = Math.min(late, check.timeout);
      due = performance.now() + more;
      timer = setTimeout(expire, more);
    } else last = setImmediate(() => finish(failed(`no answer in ${check.timeout} ms`)));
  };
  let timer = setTimeout(expire, check.timeout);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();

  socket.on("error", (cause: NodeJS.ErrnoException) => {
    const code = cause.code ?? cause.name;
    const own = OWN_REASONS[code];
    finish(
      own === undefined
        ? failed(REASONS[code] ?? `connection failed (${code})`)
        : { outcome: "inconclusive", reason: own },
    );
  });
  if (check.type === "tcp") {
    socket.once("connect", () => finish({ outcome: "passed" }));
    return promise;
  }
  let head = "";
  socket.once("connect", () => {
    const fields = [
      `Host: ${host.includes(":") ? `[${host}]` : host}:${endpoint.port}`,
      "User-Agent: semrd-health",
      "Accept: */*",
      "Connection: close",
    ];
    socket.write(`GET ${check.path} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`);
  });
  socket.on("data", (chunk) => {
    head += chunk.toString("latin1");
    const result = statusResult(head);
    if (result !== undefined) finish(result);
  });
  socket.on("end", () => finish(failed("closed without an answer")));
  return promise;
};

/** What the octets so far say; `undefined` while the status line is not whole. */
export function statusResult(head: string): ProbeResult | undefined {
  const end = head.indexOf("\n");
  if (end < 0) return head.length < MOST_STATUS_OCTETS ? undefined : failed("the answer is not HTTP");
  const status = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |\r?$)/.exec(head.slice(0, end))?.[1];
  if (status === undefined) return failed("the answer is not HTTP");
  return status.startsWith("2") ? { outcome: "passed" } : failed(`status ${status}`);
}

function failed(reason: string): ProbeResult {
  return { outcome: "failed", reason };
}
