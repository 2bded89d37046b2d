import { type Log, type Metrics, type Place, Places, sameValue } from "../../base/index.ts";
import { readTlsFiles, type TlsIdentity } from "../../sockets/index.ts";
import type { GrpcConfiguration } from "../configuration/grpc.ts";
import type { Prepared } from "../transaction/index.ts";
import { GnmiListener } from "./listener.ts";
import { type Serving, type ServingParts, SWITCHED_OFF } from "./serving.ts";
import { TlsDoor } from "./tls-door.ts";

/** A configuration that listens. */
export type GnmiOptions = Omit<GrpcConfiguration, "issuers" | "localSocket"> & {
  readonly tls: NonNullable<GrpcConfiguration["tls"]>;
};

export interface RunningParts extends Pick<ServingParts, "clock"> {
  /** Ends with it. */
  readonly serving: Serving;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * gNMI over TLS as the configuration has it, and as it has it next. No change ends a call, least of all the one that makes it: what is
 * configured is for calls that come from then on.
 */
export class RunningGnmi implements AsyncDisposable {
  readonly #parts: RunningParts;
  readonly #places: Places<Place, GnmiListener>;
  #options: GnmiOptions | undefined;
  #door: TlsDoor | undefined;

  /** Does nothing until a change gives it something to do. */
  constructor(parts: RunningParts) {
    const { log } = parts;
    this.#parts = parts;
    this.#places = new Places({
      listen: (place) => GnmiListener.listen(place, parts),
      left: (place) => log.info("gnmi.listening-ended", { ...place, effect: "connections that came by it go on" }),
    });
  }

  /** Ports in the order of the addresses. */
  get ports(): readonly number[] {
    return this.#places.listeners.map(({ port }) => port);
  }

  /** @throws {Error} where an address cannot be listened on, or the certificate and its key cannot be used; nothing has changed */
  async prepare(next: GnmiOptions): Promise<Prepared> {
    const { serving } = this.#parts;
    const before = { options: this.#options, door: this.#door };
    const isSame = before.door !== undefined && sameValue(before.options?.tls, next.tls);
    const door = isSame ? before.door : await this.#doorOf(next.tls);
    const places = await this.#places.prepare(next.listen.map(({ address, port }) => ({ address, port })));
    return {
      apply: async () => {
        await places.apply();
        this.#goBy(next, door);
      },
      revert: async () => {
        await places.revert();
        this.#goBy(before.options, before.door);
      },
      finish: async () => {
        await places.finish();
        serving.goBy(next);
        if (isSame || before.door === undefined) return;
        before.door.retire();
        serving.renew();
      },
      abandon: places.abandon,
    };
  }

  /** Lets nobody in any more, and ends when each call has its answer. */
  async retire(): Promise<void> {
    await this.#places.leaveAll();
    this.#door?.retire();
    await this.#parts.serving.retire(SWITCHED_OFF);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#places.leaveAll();
    this.#door?.retire();
    await this.#parts.serving[Symbol.asyncDispose]();
  }

  async #doorOf(tls: GnmiOptions["tls"]): Promise<TlsDoor> {
    const { serving, clock, log, metrics } = this.#parts;
    const connect = serving.connect.bind(serving);
    return new TlsDoor(await tlsFiles(tls), { connect, clock, log, metrics });
  }

  #goBy(options: GnmiOptions | undefined, door: TlsDoor | undefined): void {
    this.#options = options;
    this.#door = door;
    for (const listener of this.#places.listeners) listener.door = door;
  }
}

async function tlsFiles({ certificateFile, keyFile, clientCaFiles }: GnmiOptions["tls"]): Promise<TlsIdentity> {
  const authorities = clientCaFiles === undefined ? {} : { authorityFiles: clientCaFiles };
  return await readTlsFiles({ certificateFile, keyFile, ...authorities }, "the certificate of gNMI");
}

/** @throws {Error} for files that a server could not start with */
export async function checkGnmiCertificate(tls: GnmiOptions["tls"]): Promise<void> {
  await tlsFiles(tls);
}
