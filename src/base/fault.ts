/** What every fault has: a stable, dotted English code. Further members are the facts of that code. */
export interface Fault {
  readonly code: string;
}

/** An exception that carries a typed fault; messages may change, codes do not. */
export class FaultError<F extends Fault> extends Error {
  readonly fault: F;

  constructor(fault: F, message?: string, options?: ErrorOptions) {
    super(message ?? fault.code, options);
    this.name = new.target.name;
    this.fault = fault;
  }

  get code(): F["code"] {
    return this.fault.code;
  }
}

/** Marks a branch that the type checker has proved impossible. */
export function unreachable(value: never): never {
  throw new TypeError(`unreachable: ${JSON.stringify(value)}`);
}

/** The text of whatever was thrown, for a log field or a person. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
