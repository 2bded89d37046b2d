import type {
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { ServerSurfaceCall } from "@grpc/grpc-js/build/src/server-call.js";
import { type Counter, type Milliseconds, messageOf, milliseconds, type Timer } from "../../base/index.ts";
import type { Session } from "../datastore/index.ts";
import type { Doorkeeper, Login } from "./authentication.ts";
import type { OperationParts } from "./parts.ts";
import { asGnmiError, GnmiError } from "./status.ts";

export interface CallParts extends Pick<OperationParts, "management" | "clock" | "log" | "metrics"> {
  readonly authentication: Doorkeeper;
  /** What the calls come over; of metrics. */
  readonly transport: "tls" | "local";
}

/** A call that lasts: either end may have more to say. */
export type StreamCall<Request, Response> =
  | ServerDuplexStream<Request, Response>
  | ServerWritableStream<Request, Response>;

/** What answers one. */
export interface OpenStream {
  /** Resolves when the call is over; a rejection is what its client is told. */
  serve(): Promise<void>;
  /** Ends it from our side. */
  fail(error: GnmiError): void;
}

export interface StreamLimits {
  /** At one time; asked for anew with each call. */
  readonly most: number;
  /** "subscriptions": for those who are refused one more. */
  readonly name: string;
  /** Name of the metric that counts those that are open, and what it is. */
  readonly metric: readonly [name: string, help: string];
}

type Method = UntypedServiceImplementation[string];

/** Timers cannot be longer. */
const LONGEST_TIMER = milliseconds(2 ** 31 - 1);

/**
 * Where all calls come in, of whatever service: who calls is found out, there are limits, and a defect is logged and told as
 * such. Ends what is open when it is disposed.
 */
export class CallDoor implements Disposable {
  readonly #parts: CallParts;
  readonly #maxCalls: number;
  readonly #streams = new Set<OpenStream>();
  readonly #count: { readonly calls: Counter; readonly refused: Counter };
  #calls = 0;

  /** `maxCalls`: calls that are no streams, at one time. */
  constructor(maxCalls: number, parts: CallParts) {
    this.#parts = parts;
    this.#maxCalls = maxCalls;
    this.#count = {
      calls: parts.metrics.counter("semrd_gnmi_calls_total", "gRPC calls of operators that were let in."),
      refused: parts.metrics.counter("semrd_gnmi_calls_refused_total", "gRPC calls of operators not carried out."),
    };
  }

  /** Streams of all kinds that are open. */
  get open(): number {
    return this.#streams.size;
  }

  /** Tells all streams why they end. */
  end(why: string): void {
    for (const stream of this.#streams) stream.fail(new GnmiError("UNAVAILABLE", why));
  }

  [Symbol.dispose](): void {
    this.end("the server ends");
  }

  /** One request, one answer. */
  unary<Request>(
    carryOut: (request: Request, session: Session, call: Pick<ServerSurfaceCall, "metadata">) => Promise<object>,
  ): Method {
    return ((call: ServerUnaryCall<Request, object>, done: sendUnaryData<object>): void => {
      if (this.#calls >= this.#maxCalls) {
        this.#count.refused.add();
        done(new GnmiError("RESOURCE_EXHAUSTED", `${this.#calls} calls are carried out already: try again`));
        return;
      }
      this.#calls++;
      void this.#answered(call, ({ session }) => carryOut(call.request, session, call))
        .then(
          (answer) => done(null, answer),
          (cause: GnmiError) => done(cause),
        )
        .finally(() => {
          this.#calls--;
        });
    }) as Method;
  }

  /** A call that answers with a stream; `open` starts nothing before it is served. */
  stream<Request, Response>(
    limits: StreamLimits,
    open: (call: StreamCall<Request, Response>, session: Session) => OpenStream,
  ): Method {
    let count = 0;
    const { metrics, transport } = this.#parts;
    const gauge = metrics.gauge(...limits.metric, { transport });
    const serve = async (call: StreamCall<Request, Response>): Promise<void> => {
      // Nothing else would hear of what happens before it is served.
      call.on("error", () => undefined);
      if (count >= limits.most) {
        this.#count.refused.add();
        call.emit("error", new GnmiError("RESOURCE_EXHAUSTED", `${count} ${limits.name} are open already`));
        return;
      }
      gauge.set(++count);
      try {
        await this.#answered(call, async ({ session, until }) => {
          if (call.cancelled) return;
          const stream = open(call, session);
          this.#streams.add(stream);
          const expiry = until === undefined ? undefined : this.#expiring(stream, until);
          try {
            await stream.serve();
          } finally {
            expiry?.cancel();
            this.#streams.delete(stream);
          }
        });
      } catch (cause) {
        call.emit("error", asGnmiError(cause));
      } finally {
        gauge.set(--count);
      }
    };
    return ((call: StreamCall<Request, Response>): void => void serve(call)) as unknown as Method;
  }

  /** Ends a stream when what let it in is no longer good. */
  #expiring(stream: OpenStream, until: Milliseconds): Timer {
    const { clock } = this.#parts;
    let timer: Timer;
    const look = (): void => {
      const left = milliseconds(until - clock.wall());
      if (left <= 0)
        stream.fail(new GnmiError("UNAUTHENTICATED", "the access token has expired: call again with a new one"));
      else timer = clock.after(milliseconds(Math.min(left, LONGEST_TIMER)), look);
    };
    timer = clock.after(milliseconds(0), look);
    return { cancel: () => timer.cancel() };
  }

  /** @throws {GnmiError} */
  async #answered<T>(call: ServerSurfaceCall, carryOut: (login: SessionLogin) => Promise<T>): Promise<T> {
    const { management, log } = this.#parts;
    let login: SessionLogin | undefined;
    try {
      login = await this.#login(call);
      return await carryOut(login);
    } catch (cause) {
      this.#count.refused.add();
      if (!(cause instanceof GnmiError)) {
        log.error("gnmi.call-broken", { call: call.getPath(), user: login?.session.user, reason: messageOf(cause) });
      }
      throw asGnmiError(cause);
    } finally {
      if (login !== undefined) void management.closeSession(login.session);
    }
  }

  async #login(call: ServerSurfaceCall): Promise<SessionLogin> {
    const { authentication, management, log } = this.#parts;
    const source = call.getPeer();
    const { sslPeerCertificate: certificate } = call.getAuthContext();
    try {
      const { until, ...who } = await authentication.loginOf({ metadata: call.metadata, source, certificate });
      this.#count.calls.add();
      const session = management.openSession({ source, ...who, protocol: "gnmi" });
      return { session, ...(until === undefined ? {} : { until }) };
    } catch (cause) {
      if (cause instanceof GnmiError) log.warn("gnmi.login-failed", { source, reason: cause.details });
      throw cause;
    }
  }
}

interface SessionLogin extends Pick<Login, "until"> {
  readonly session: Session;
}
