import { isIPv6 } from "node:net";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a router is reached, and what proves who asks. */
export type RouterTarget =
  | { readonly kind: "socket"; readonly path: string; readonly user?: string }
  | ({ readonly kind: "router"; readonly host: string; readonly port: number } & RouterLogin);

/** Names of files; what is in them is read when it is needed, and shown to nobody but the router. */
export interface RouterLogin {
  /** Who has signed the router's certificate; those that this host trusts without it. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Name that the certificate has to have, where that is not the host. */
  readonly serverName?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly tokenFile?: string;
}

const DEFAULT_PORT = 9339;

/** For people. */
export function placeOf(target: RouterTarget): string {
  if (target.kind === "socket") return target.path;
  const { host, port } = target;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** `r1.example`, `192.0.2.1:9339`, `2001:db8::1`, `[2001:db8::1]:9339`; absent where it is none of those. */
export function readAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  if (isIPv6(text)) return { host: text, port: DEFAULT_PORT };
  const match = /^(?:\[([^\]]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null || (match[1] !== undefined && !isIPv6(match[1]))) return undefined;
  const port = match[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  return port >= 1 && port <= 65535 ? { host: match[1] ?? match[2]!, port } : undefined;
}
