import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { Clock, Milliseconds } from "../../base/index.ts";
import { GnmiError } from "./status.ts";

/** A call of requests and answers, of which one end comes first: the client's, or ours, by an answer or an error. */
export class CallLife<Request> {
  readonly #call: ServerDuplexStream<Request, Buffer>;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;

  constructor(call: ServerDuplexStream<Request, Buffer>) {
    this.#call = call;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when it is over. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Hands over what the client asks, and that it says nothing more. Resolves when the call is over. */
  async serve(requested: (request: Request) => void, ended: () => void = () => {}): Promise<void> {
    const call = this.#call;
    call.on("data", (request: Request) => {
      if (!this.#isOver) requested(request);
    });
    call.on("end", ended);
    call.on("cancelled", () => this.#close());
    call.on("error", () => this.#close());
    await this.over;
  }

  fail(error: GnmiError): void {
    if (this.#close()) this.#call.emit("error", error);
  }

  finish(): void {
    if (this.#close()) this.#call.end();
  }

  /**
   * Resolves when more may be written, to false where nobody reads any more.
   *
   * @throws {GnmiError} RESOURCE_EXHAUSTED where the reader takes nothing for `limit`
   */
  async write(octets: Buffer, clock: Clock, limit: Milliseconds): Promise<boolean> {
    const call = this.#call;
    if (this.#isOver || call.write(octets)) return !this.#isOver;
    const { promise, resolve } = Promise.withResolvers<"drained" | "stalled">();
    const onDrain = (): void => resolve("drained");
    call.once("drain", onDrain);
    const timer = clock.after(limit, () => resolve("stalled"));
    const came = await Promise.race([promise, this.over]);
    timer.cancel();
    call.off("drain", onDrain);
    if (came === "stalled") throw new GnmiError("RESOURCE_EXHAUSTED", "the reader takes nothing any more");
    return !this.#isOver;
  }

  /** False where it was over before. */
  #close(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#over.resolve();
    return true;
  }
}
