import type { OpenStream } from "../calls.ts";
import type { SubscribeRequest } from "../messages.ts";
import type { GnmiError } from "../status.ts";
import type { SubscribeCall } from "./stream.ts";

/** A Subscribe call whose first request says who serves it: `choose`, which is given nothing where there is none. */
export class FirstRequest implements OpenStream {
  readonly #call: SubscribeCall;
  readonly #choose: (first: SubscribeRequest | undefined) => Promise<OpenStream>;
  #chosen: OpenStream | undefined;
  #failed = false;
  readonly #over = Promise.withResolvers<undefined>();

  constructor(call: SubscribeCall, choose: (first: SubscribeRequest | undefined) => Promise<OpenStream>) {
    this.#call = call;
    this.#choose = choose;
  }

  async serve(): Promise<void> {
    const call = this.#call;
    const first = await this.#first();
    if (this.#failed || call.cancelled) return;
    const chosen = await this.#choose(first);
    if (this.#failed || call.cancelled) return;
    this.#chosen = chosen;
    if (first !== undefined) call.unshift(first);
    const served = chosen.serve();
    call.resume();
    await served;
  }

  fail(error: GnmiError): void {
    if (this.#chosen !== undefined) {
      this.#chosen.fail(error);
      return;
    }
    if (this.#failed) return;
    this.#failed = true;
    this.#over.resolve(undefined);
    this.#call.emit("error", error);
  }

  /** Absent: there is none, and will be none. */
  #first(): Promise<SubscribeRequest | undefined> {
    const call = this.#call;
    const { promise, resolve } = Promise.withResolvers<SubscribeRequest | undefined>();
    const taken = (request: SubscribeRequest): void => {
      // What comes behind it is for who serves it.
      call.pause();
      resolve(request);
    };
    const none = (): void => resolve(undefined);
    void this.#over.promise.then(none);
    call.on("data", taken).once("end", none).once("cancelled", none).once("error", none);
    return promise.finally(() => call.off("data", taken).off("end", none).off("cancelled", none).off("error", none));
  }
}
