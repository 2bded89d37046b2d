import type { ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { ServerSurfaceCall } from "@grpc/grpc-js/build/src/server-call.js";
import { type Counter, type Gauge, messageOf } from "../../base/index.ts";
import type { Session } from "../datastore/index.ts";
import type { Authentication } from "./authentication.ts";
import { capabilities } from "./capabilities.ts";
import { Arbiter, refuseOthers } from "./extensions.ts";
import { get } from "./get.ts";
import type { CapabilityRequest, GetRequest, SetRequest } from "./messages.ts";
import type { OperationParts } from "./parts.ts";
import { set } from "./set.ts";
import { asGnmiError, GnmiError } from "./status.ts";
import { ChangeFeed, type OutboxLimits, type SubscribeCall, SubscribeStream } from "./subscribe/index.ts";

export interface GnmiServerOptions {
  /** Subscribe calls at one time. */
  readonly maxStreams: number;
  /** Other calls at one time. */
  readonly maxCalls: number;
  readonly outbox: OutboxLimits;
}

export interface GnmiServerParts extends OperationParts {
  readonly authentication: Authentication;
}

/** The operations of gNMI for all listeners. */
export class GnmiServer implements Disposable {
  readonly #options: GnmiServerOptions;
  readonly #parts: GnmiServerParts;
  readonly #feed: ChangeFeed;
  readonly #arbiter = new Arbiter();
  readonly #streams = new Set<SubscribeStream>();
  readonly #count: { readonly streams: Gauge; readonly calls: Counter; readonly refused: Counter };
  #calls = 0;

  constructor(options: GnmiServerOptions, parts: GnmiServerParts) {
    this.#options = options;
    this.#parts = parts;
    this.#feed = new ChangeFeed(parts);
    const { metrics } = parts;
    this.#count = {
      streams: metrics.gauge("semrd_gnmi_subscriptions", "gNMI subscriptions that are open."),
      calls: metrics.counter("semrd_gnmi_calls_total", "gNMI calls that were let in."),
      refused: metrics.counter("semrd_gnmi_calls_refused_total", "gNMI calls that were not carried out."),
    };
  }

  get implementation(): UntypedServiceImplementation {
    const { model } = this.#parts;
    return {
      Capabilities: this.#unary(async ({ extension }: CapabilityRequest) => {
        refuseOthers(extension, []);
        return capabilities(model);
      }),
      Get: this.#unary((request: GetRequest, session) => get(request, session, this.#parts)),
      Set: this.#unary((request: SetRequest, session) =>
        set(request, session, { ...this.#parts, arbiter: this.#arbiter }),
      ),
      Subscribe: (call: SubscribeCall) => void this.#subscribe(call),
    } as UntypedServiceImplementation;
  }

  [Symbol.dispose](): void {
    for (const stream of this.#streams) stream.fail(new GnmiError("UNAVAILABLE", "the server ends"));
    this.#feed[Symbol.dispose]();
  }

  #unary<Request>(carryOut: (request: Request, session: Session) => Promise<object>) {
    return (call: ServerUnaryCall<Request, object>, done: sendUnaryData<object>): void => {
      if (this.#calls >= this.#options.maxCalls) {
        this.#count.refused.add();
        done(new GnmiError("RESOURCE_EXHAUSTED", `${this.#calls} calls are carried out already: try again`));
        return;
      }
      this.#calls++;
      void this.#answered(call, (session) => carryOut(call.request, session))
        .then(
          (answer) => done(null, answer),
          (cause: GnmiError) => done(cause),
        )
        .finally(() => {
          this.#calls--;
        });
    };
  }

  /** @throws {GnmiError} */
  async #answered<T>(call: ServerSurfaceCall, carryOut: (session: Session) => Promise<T>): Promise<T> {
    const { management, log } = this.#parts;
    let session: Session | undefined;
    try {
      session = await this.#session(call);
      return await carryOut(session);
    } catch (cause) {
      this.#count.refused.add();
      if (!(cause instanceof GnmiError)) {
        log.error("gnmi.call-broken", { call: call.getPath(), user: session?.user, reason: messageOf(cause) });
      }
      throw asGnmiError(cause);
    } finally {
      if (session !== undefined) void management.closeSession(session);
    }
  }

  async #session(call: ServerSurfaceCall): Promise<Session> {
    const { authentication, management, log } = this.#parts;
    const source = call.getPeer();
    const { sslPeerCertificate: certificate } = call.getAuthContext();
    try {
      const user = await authentication.userOf({ metadata: call.metadata, source, certificate });
      this.#count.calls.add();
      return management.openSession({ user, protocol: "gnmi", source });
    } catch (cause) {
      if (cause instanceof GnmiError) log.warn("gnmi.login-failed", { source, reason: cause.details });
      throw cause;
    }
  }

  async #subscribe(call: SubscribeCall): Promise<void> {
    call.on("error", () => undefined);
    if (this.#streams.size >= this.#options.maxStreams) {
      this.#count.refused.add();
      call.emit("error", new GnmiError("RESOURCE_EXHAUSTED", `${this.#streams.size} subscriptions are open already`));
      return;
    }
    try {
      await this.#answered(call, async (session) => {
        const parts = { ...this.#parts, feed: this.#feed };
        const stream = new SubscribeStream(call, session, parts, this.#options.outbox);
        this.#streams.add(stream);
        this.#count.streams.set(this.#streams.size);
        try {
          await stream.serve();
        } finally {
          this.#streams.delete(stream);
          this.#count.streams.set(this.#streams.size);
        }
      });
    } catch (cause) {
      call.emit("error", asGnmiError(cause));
    }
  }
}
