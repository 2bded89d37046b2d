import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import type { CallDoor } from "./calls.ts";
import { capabilities } from "./capabilities.ts";
import { type Arbiter, refuseOthers } from "./extensions.ts";
import { get } from "./get.ts";
import type { CapabilityRequest, GetRequest, SetRequest, SubscribeRequest } from "./messages.ts";
import type { OperationParts } from "./parts.ts";
import { set } from "./set.ts";
import { ChangeFeed, type OutboxLimits, type SubscribeCall, SubscribeStream } from "./subscribe/index.ts";

export interface GnmiServerOptions {
  /** Subscribe calls at one time. */
  readonly maxStreams: number;
  readonly outbox: OutboxLimits;
}

const METRIC = ["semrd_gnmi_subscriptions", "gNMI subscriptions that are open."] as const;

/** The operations of gNMI for all listeners. */
export class GnmiServer implements Disposable {
  readonly #options: GnmiServerOptions;
  readonly #parts: OperationParts;
  readonly #door: CallDoor;
  readonly #feed: ChangeFeed;
  readonly #arbiter: Arbiter;

  constructor(options: GnmiServerOptions, parts: OperationParts & { readonly arbiter: Arbiter }, door: CallDoor) {
    this.#options = options;
    this.#parts = parts;
    this.#door = door;
    this.#arbiter = parts.arbiter;
    this.#feed = new ChangeFeed(parts);
  }

  get implementation(): UntypedServiceImplementation {
    const door = this.#door;
    const { model } = this.#parts;
    const parts = { ...this.#parts, feed: this.#feed };
    return {
      Capabilities: door.unary(async ({ extension }: CapabilityRequest) => {
        refuseOthers(extension, []);
        return capabilities(model);
      }),
      Get: door.unary((request: GetRequest, session) => get(request, session, parts)),
      Set: door.unary((request: SetRequest, session) => set(request, session, { ...parts, arbiter: this.#arbiter })),
      Subscribe: door.stream<SubscribeRequest, Buffer>(
        { most: this.#options.maxStreams, name: "subscriptions", metric: METRIC },
        (call, session) => new SubscribeStream(call as SubscribeCall, session, parts, this.#options.outbox),
      ),
    };
  }

  [Symbol.dispose](): void {
    this.#feed[Symbol.dispose]();
  }
}
