import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import type { CallDoor, OpenStream, StreamCall } from "../calls.ts";
import { GnmiError } from "../status.ts";
import { ReflectionAnswers, type ReflectionRequest } from "./answers.ts";
import { describeAside } from "./describing.ts";
import type { Descriptions } from "./descriptors.ts";

/** Streams at one time. */
const MOST_STREAMS = 16;
/** Requests of one that have not been answered. */
const MOST_WAITING = 1_000;

const METRIC = ["semrd_gnmi_reflection_streams", "Streams of gRPC server reflection that are open."] as const;

export interface ReflectionOptions {
  /** Of `.proto` files. */
  readonly folder: string;
  readonly files: readonly string[];
  /** Full names of services. */
  readonly services: readonly string[];
}

/** Describes the services to whoever may log in; nothing is read before somebody asks. @see gRPC server reflection protocol */
export function reflection(
  { folder, files, services }: ReflectionOptions,
  door: CallDoor,
): UntypedServiceImplementation {
  let descriptions: Promise<Descriptions> | undefined;
  const described = (): Promise<Descriptions> => {
    descriptions ??= describeAside(folder, files).catch((cause) => {
      descriptions = undefined;
      throw cause;
    });
    return descriptions;
  };
  return {
    ServerReflectionInfo: door.stream<ReflectionRequest, object>(
      { most: MOST_STREAMS, name: "streams of reflection", metric: METRIC },
      (call) => new ReflectionStream(call as ReflectionCall, described, services),
    ),
  };
}

type ReflectionCall = Extract<StreamCall<ReflectionRequest, object>, { read(size?: number): ReflectionRequest }>;

/** Requests are answered in their order, at the pace at which the answers are read. */
class ReflectionStream implements OpenStream {
  readonly #call: ReflectionCall;
  readonly #described: () => Promise<Descriptions>;
  readonly #services: readonly string[];
  #hasFailed = false;
  #hasEnded = false;

  constructor(call: ReflectionCall, described: () => Promise<Descriptions>, services: readonly string[]) {
    this.#call = call;
    this.#described = described;
    this.#services = services;
  }

  async serve(): Promise<void> {
    const call = this.#call;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    for (const event of ["error", "cancelled"]) call.on(event, resolve);
    let answers: ReflectionAnswers | undefined;
    let isFull = false;
    const waiting: ReflectionRequest[] = [];
    const answer = (): void => {
      while (answers !== undefined && !isFull && waiting.length > 0) isFull = !call.write(answers.to(waiting.shift()!));
      if (this.#hasEnded && waiting.length === 0) resolve();
    };
    call.on("end", () => {
      this.#hasEnded = true;
      answer();
    });
    call.on("drain", () => {
      isFull = false;
      answer();
    });
    // Read at once, whatever waits: that a client is gone is heard of only behind what it has sent.
    call.on("data", (request) => {
      waiting.push(request);
      if (waiting.length > MOST_WAITING) this.fail(new GnmiError("RESOURCE_EXHAUSTED", "too many requests at once"));
      else answer();
    });
    answers = new ReflectionAnswers(await this.#described(), this.#services);
    answer();
    await over;
    if (!call.cancelled && !this.#hasFailed) call.end();
  }

  fail(error: GnmiError): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#call.emit("error", error);
  }
}
