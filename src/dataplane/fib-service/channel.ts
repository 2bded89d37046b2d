import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials as grpcCredentials,
} from "@grpc/grpc-js";
import { readTlsFiles } from "../../sockets/index.ts";
import { type FromExecutor, fibService, type ToExecutor } from "./messages.ts";

/** Files of the router's own certificate and key, and of the authorities that vouch for the executor, in PEM. */
export interface ExecutorTls {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly caFiles: readonly string[];
  /** The name that the executor's certificate has to have; absent: its address. */
  readonly serverName?: string;
}

export interface ExecutorAddress {
  readonly host: string;
  readonly port: number;
  /** Absent: neither end proves who it is, which is for executors on this host. */
  readonly tls?: ExecutorTls;
}

/** A connection that is not heard of for so long is over. */
const KEEPALIVE = { "grpc.keepalive_time_ms": 10_000, "grpc.keepalive_timeout_ms": 5_000 } as const;

/** Where sessions with an executor are opened. */
export class ExecutorChannel implements Disposable {
  readonly #client: Client;

  /** @throws {Error} for files that cannot be used; nothing is connected yet. */
  static async open(address: ExecutorAddress): Promise<ExecutorChannel> {
    return new ExecutorChannel(address, await credentialsOf(address.tls));
  }

  private constructor({ host, port, tls }: ExecutorAddress, credentials: ChannelCredentials) {
    this.#client = new Client(host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`, credentials, {
      ...KEEPALIVE,
      // The driver waits between attempts: the channel shall not wait on top of that.
      ...{ "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 100 },
      ...(tls?.serverName === undefined ? {} : { "grpc.ssl_target_name_override": tls.serverName }),
    });
  }

  /** A new stream; what goes wrong comes as its `error`. */
  program(): ClientDuplexStream<ToExecutor, FromExecutor> {
    const { path, requestSerialize, responseDeserialize } = fibService().Program!;
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  /** A stream that sends octets as they are: for those who test what an executor does with what is no message. */
  octets(): ClientDuplexStream<Buffer, FromExecutor> {
    const { path, responseDeserialize } = fibService().Program!;
    return this.#client.makeBidiStreamRequest(path, (octets: Buffer) => octets, responseDeserialize);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

async function credentialsOf(tls: ExecutorTls | undefined): Promise<ChannelCredentials> {
  if (tls === undefined) return grpcCredentials.createInsecure();
  const { certificateFile, keyFile, caFiles } = tls;
  const { cert, key, ca } = await readTlsFiles(
    { certificateFile, keyFile, authorityFiles: caFiles },
    "the certificate for the executor",
  );
  return grpcCredentials.createSsl(ca, key, cert);
}
