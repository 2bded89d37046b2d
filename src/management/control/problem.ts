import { FaultError, messageOf } from "../../base/index.ts";
import { ConfigurationError } from "../configuration/error.ts";
import { ConfigurationRefusal } from "./configuration-refusal.ts";
import { ControlRefusal, type RefusalStatus } from "./handlers.ts";
import type { ProblemReport } from "./types.ts";

/** What somebody is told whose request went wrong; 500 is a defect of ours. */
export function problemOf(error: unknown): { readonly status: RefusalStatus | 500; readonly problem: ProblemReport } {
  if (error instanceof ConfigurationRefusal) {
    const { code, title, message, faults, status } = error;
    return { status, problem: { code, title, detail: message, faults } };
  }
  if (error instanceof ControlRefusal)
    return { status: error.status, problem: { code: error.code, title: error.title, detail: error.message } };
  if (error instanceof ConfigurationError)
    return {
      status: 422,
      problem: { code: error.code, title: "Not valid", detail: error.message, faults: error.faults },
    };
  if (error instanceof FaultError)
    return { status: 409, problem: { code: error.code, title: "Refused", detail: error.message } };
  const detail = `a defect of semrd: ${messageOf(error)}; its log has the details`;
  return { status: 500, problem: { code: "control.defect", title: "Internal error", detail } };
}
