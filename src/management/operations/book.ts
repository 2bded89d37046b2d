import {
  type Answer,
  fault,
  formatPath,
  localName,
  type OperationOutput,
  type OperationRequest,
  refused,
  type Session,
} from "../datastore/index.ts";

/** Answers a request whose input has been checked and has its default values. Throws only for a defect. */
export type OperationHandler = (
  request: OperationRequest,
  session: Session,
) => Answer<OperationOutput> | Promise<Answer<OperationOutput>>;

/** Who carries out which operation, by `module:name` for an rpc and `/module:node/…/name` without keys for an action. */
export class OperationBook {
  readonly #handlers = new Map<string, OperationHandler>();

  /** Until what it returns is disposed. @throws {Error} where somebody carries it out already */
  add(handlers: Readonly<Record<string, OperationHandler>>): Disposable {
    for (const name of Object.keys(handlers))
      if (this.#handlers.has(name)) throw new Error(`${name} is carried out by somebody already`);
    for (const [name, handler] of Object.entries(handlers)) this.#handlers.set(name, handler);
    return {
      [Symbol.dispose]: () => {
        for (const name of Object.keys(handlers)) this.#handlers.delete(name);
      },
    };
  }

  async call(request: OperationRequest, session: Session): Promise<Answer<OperationOutput>> {
    const handler = this.#handlers.get(nameOf(request));
    if (handler !== undefined) return handler(request, session);
    const message = `${request.name} is not offered by this router`;
    return refused(fault("operation-not-supported", message, { errorType: "protocol" }));
  }
}

function nameOf({ name, target }: OperationRequest): string {
  if (target.length === 0) return name;
  return `${formatPath(target.map((step) => ({ name: step.name })))}/${localName({ name })}`;
}
