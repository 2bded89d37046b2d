import { readFile } from "node:fs/promises";
import { type ClientHttp2Session, connect } from "node:http2";
import net from "node:net";
import tls from "node:tls";
import { CommandFailure, EXIT } from "../exit.ts";
import { cannotConnect, notGrpc, type Stage, silence } from "./failures.ts";
import { placeOf, type RouterTarget } from "./target.ts";

/** Octets that may be under way to us: a list from far away comes as fast as the way is wide. */
const WINDOW = 1024 * 1024;

export type AskPassword = (question: string) => Promise<string>;

/** What every call says of who makes it. */
export type CallFields = Readonly<Record<string, string>>;

/** A router: the connection is opened for the first call, and there for all until this is disposed of. */
export class RouterLink implements AsyncDisposable {
  readonly target: RouterTarget;
  /** For people. */
  readonly place: string;
  readonly #ask: AskPassword | undefined;
  #connection: Promise<Connection> | undefined;
  #fields: Promise<CallFields> | undefined;

  /** Without `ask` nobody can be asked for a password. */
  constructor(target: RouterTarget, ask?: AskPassword) {
    this.target = target;
    this.place = placeOf(target);
    this.#ask = ask;
  }

  /** @throws {CommandFailure} */
  async open(timeoutSeconds: number): Promise<{ readonly connection: Connection; readonly fields: CallFields }> {
    // A token does not live long, and somebody puts the next one into the same file.
    if (this.target.kind === "router" && this.target.tokenFile !== undefined) this.#fields = undefined;
    this.#fields ??= fieldsOf(this.target, this.#ask);
    // Before the connection, as a person may be slow.
    const fields = await this.#fields;
    this.#connection ??= connected(this.target, timeoutSeconds);
    const connection = await this.#connection;
    if (!connection.session.closed && !connection.session.destroyed) return { connection, fields };
    this.#connection = connected(this.target, timeoutSeconds);
    return { connection: await this.#connection, fields };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined); // who asked for it was told
    connection?.session.destroy();
    // A router that says nothing does not say that it is over, either.
    connection?.socket.destroy();
  }
}

export interface Connection {
  readonly session: ClientHttp2Session;
  readonly socket: net.Socket;
  stage: Stage;
  /** Why it is over, where that was no good end. */
  failure?: Error;
}

async function fieldsOf(target: RouterTarget, ask: AskPassword | undefined): Promise<CallFields> {
  if (target.kind === "socket") return target.user === undefined ? {} : { "semrd-user": target.user };
  const { tokenFile, username, passwordFile } = target;
  if (tokenFile !== undefined) return { authorization: `Bearer ${await secretOf(tokenFile, "token")}` };
  if (username === undefined) return {};
  if (passwordFile !== undefined) return { username, password: await secretOf(passwordFile, "password") };
  if (ask !== undefined) {
    const typed = await ask(`Password of ${username} at ${placeOf(target)}: `);
    return { username, password: sendable(typed, "what was typed", "password") };
  }
  throw new CommandFailure(
    EXIT.refused,
    `there is no terminal to ask for the password of ${username}: name a file with --password-file or SEMRD_PASSWORD_FILE`,
  );
}

/** The first line of a file. */
async function secretOf(file: string, what: string): Promise<string> {
  const [line = ""] = (await fileOf(file)).toString("utf8").split(/\r?\n/);
  return sendable(line, `the first line of ${file}`, what);
}

/** Fields of gRPC take no others. */
function sendable(text: string, where: string, what: string): string {
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  throw new CommandFailure(EXIT.refused, `${where} is no ${what} for gNMI: that is printable ASCII, and not empty`);
}

async function fileOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new CommandFailure(EXIT.refused, `${file} cannot be read (${code}): check the path and its permissions`);
  }
}

async function connected(target: RouterTarget, timeoutSeconds: number): Promise<Connection> {
  const socket = target.kind === "socket" ? net.connect(target.path) : tls.connect(await tlsOptions(target));
  await established(socket, target, timeoutSeconds);
  const authority = target.kind === "socket" ? "http://localhost" : `https://${placeOf(target)}`;
  const session = connect(authority, { createConnection: () => socket, settings: { initialWindowSize: WINDOW } });
  session.once("connect", () => session.setLocalWindowSize(WINDOW));
  const connection: Connection = { session, socket, stage: "certificate" };
  session.once("remoteSettings", () => {
    connection.stage = "open";
  });
  session.on("error", (cause) => {
    connection.failure = cause;
  });
  return connection;
}

type RemoteTarget = Extract<RouterTarget, { kind: "router" }>;

async function tlsOptions({ host, port, ca, cert, key, serverName }: RemoteTarget): Promise<tls.ConnectionOptions> {
  if ((cert === undefined) !== (key === undefined))
    throw new CommandFailure(EXIT.usage, "a certificate goes with its key: give --tls-cert and --tls-key");
  const name = serverName ?? host;
  const files = await Promise.all([ca, cert, key].map((file) => (file === undefined ? undefined : fileOf(file))));
  const pair = { ...(files[1] && { cert: files[1] }), ...(files[2] && { key: files[2] }) };
  const [authority] = files;
  // OpenSSL takes what it finds, which is nothing in a file of something else.
  if (authority?.includes("CERTIFICATE-----") === false)
    throw new CommandFailure(EXIT.refused, `${ca} cannot be used: it holds no certificate in PEM`);
  if (authority !== undefined) usable({ ca: authority }, `${ca}`);
  return {
    ...{ host, port, ALPNProtocols: ["h2"] },
    secureContext: usable({ ...(authority && { ca: authority }), ...pair }, `${cert} with ${key}`),
    // An address is no name of TLS (RFC 6066 §3), and is looked for in the certificate all the same.
    ...(net.isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate),
  };
}

function usable(own: tls.SecureContextOptions, named: string): tls.SecureContext {
  try {
    return tls.createSecureContext(own);
  } catch (cause) {
    throw new CommandFailure(EXIT.refused, `${named} cannot be used: ${(cause as Error).message}`);
  }
}

async function established(socket: net.Socket, target: RouterTarget, timeoutSeconds: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(silence(placeOf(target), timeoutSeconds)), timeoutSeconds * 1000);
  let stage: Stage = "silent";
  const failed = (cause: Error): void => reject(cannotConnect(cause, target, stage));
  // There are keys when the router's hello was read; what is shown to it goes out then.
  socket.once("keylog", () => {
    stage = "certificate";
  });
  socket.once(target.kind === "socket" ? "connect" : "secureConnect", resolve).once("error", failed);
  try {
    await promise;
    socket.off("error", failed);
    if (socket instanceof tls.TLSSocket && socket.alpnProtocol !== "h2") throw notGrpc(placeOf(target));
  } catch (cause) {
    socket.destroy();
    throw cause;
  } finally {
    clearTimeout(timer);
  }
}
