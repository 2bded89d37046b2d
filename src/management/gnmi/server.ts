import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import type { CallDoor } from "./calls.ts";
import { capabilities } from "./capabilities.ts";
import {
  type ControlOrigin,
  type ControlParts,
  ControlStream,
  controlGet,
  controlSet,
  isControlGet,
  isControlSet,
  isControlSubscription,
} from "./control/index.ts";
import { type Arbiter, refuseOthers } from "./extensions.ts";
import { get } from "./get.ts";
import type { CapabilityRequest, GetRequest, SetRequest, SubscribeRequest } from "./messages.ts";
import type { Model, OperationParts } from "./parts.ts";
import { set } from "./set.ts";
import {
  ChangeFeed,
  FirstRequest,
  type OutboxLimits,
  type SubscribeCall,
  type SubscriberParts,
  SubscribeStream,
} from "./subscribe/index.ts";

export interface GnmiServerOptions {
  /** Subscribe calls at one time. */
  readonly maxStreams: number;
  readonly outbox: OutboxLimits;
}

export interface GnmiServerParts extends Omit<OperationParts, "model"> {
  readonly arbiter: Arbiter;
  readonly control: ControlOrigin;
  readonly transport: "tls" | "local";
  /** Asked for once, when somebody needs it. */
  readonly openModel: () => Promise<Model>;
}

const METRIC = ["semrd_gnmi_subscriptions", "gNMI subscriptions that are open."] as const;

/** The operations of gNMI for all listeners. */
export class GnmiServer implements Disposable {
  readonly #outbox: OutboxLimits;
  readonly #subscriptions: { most: number; readonly name: string; readonly metric: typeof METRIC };
  readonly #parts: GnmiServerParts;
  readonly #door: CallDoor;
  #opening: Promise<SubscriberParts> | undefined;
  #feed: ChangeFeed | undefined;
  #isDisposed = false;

  constructor(options: GnmiServerOptions, parts: GnmiServerParts, door: CallDoor) {
    this.#outbox = options.outbox;
    this.#subscriptions = { most: options.maxStreams, name: "subscriptions", metric: METRIC };
    this.#parts = parts;
    this.#door = door;
  }

  /** For who subscribes from now on. */
  set maxStreams(most: number) {
    this.#subscriptions.most = most;
  }

  get implementation(): UntypedServiceImplementation {
    const door = this.#door;
    const { arbiter, control, transport, clock, log, access } = this.#parts;
    const controlParts: ControlParts = { ...control, arbiter, clock, log, access, isOfHost: transport === "local" };
    return {
      Capabilities: door.unary(async ({ extension }: CapabilityRequest) => {
        refuseOthers(extension, []);
        return capabilities((await this.#opened()).model);
      }),
      Get: door.unary(async (request: GetRequest, session, { metadata }) =>
        isControlGet(request)
          ? controlGet(request, { session, metadata }, controlParts)
          : get(request, session, await this.#opened()),
      ),
      Set: door.unary(async (request: SetRequest, session, { metadata }) =>
        isControlSet(request)
          ? controlSet(request, { session, metadata }, controlParts)
          : set(request, session, { ...(await this.#opened()), arbiter }),
      ),
      Subscribe: door.stream<SubscribeRequest, Buffer>(this.#subscriptions, (stream, session) => {
        const call = stream as SubscribeCall;
        return new FirstRequest(call, async (first) =>
          first !== undefined && isControlSubscription(first)
            ? new ControlStream(call, session, controlParts)
            : new SubscribeStream(call, session, await this.#opened(), this.#outbox),
        );
      }),
    };
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#feed?.[Symbol.dispose]();
  }

  /** What operations on the model go by. */
  #opened(): Promise<SubscriberParts> {
    this.#opening ??= this.#open().catch((cause) => {
      this.#opening = undefined;
      throw cause;
    });
    return this.#opening;
  }

  async #open(): Promise<SubscriberParts> {
    const { openModel, arbiter: _arbiter, control: _control, transport: _transport, ...rest } = this.#parts;
    const parts = { ...rest, model: await openModel() };
    const feed = new ChangeFeed(parts);
    if (this.#isDisposed) feed[Symbol.dispose]();
    else this.#feed = feed;
    return { ...parts, feed };
  }
}
