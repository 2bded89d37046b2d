import type { Answer, ManagementFault } from "../datastore/index.ts";
import { ControlRefusal, type RefusalStatus } from "./handlers.ts";

/** A refusal with everything that was wrong. */
export class ConfigurationRefusal extends ControlRefusal {
  readonly faults: readonly { readonly path?: string; readonly reason: string; readonly tag: string }[];

  constructor(faults: readonly ManagementFault[]) {
    const [first] = faults;
    const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
    const where = first!.path === undefined ? "" : `${first!.path}: `;
    const status = statusOf(first!);
    super(
      status,
      `config.${first!.errorTag}`,
      status === 422 ? "Not valid" : "Refused",
      `${where}${first!.message}${more}`,
    );
    this.faults = faults.map(({ path, message, appTag, errorTag }) => ({
      ...(path === undefined ? {} : { path }),
      reason: message,
      tag: appTag ?? errorTag,
    }));
  }
}

function statusOf({ errorTag }: ManagementFault): RefusalStatus {
  switch (errorTag) {
    case "in-use":
    case "lock-denied":
    case "data-exists":
    case "operation-not-supported":
      return 409;
    case "access-denied":
      return 403;
    case "resource-denied":
      return 503;
    case "malformed-message":
      return 400;
    default:
      return 422;
  }
}

/** The value, or a refusal thrown. */
export function accepted<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  throw new ConfigurationRefusal(answer.faults);
}
