import { Metadata, type status } from "@grpc/grpc-js";
import type { Log } from "../../../base/index.ts";
import { messageOf } from "../../../base/index.ts";
import { problemOf } from "../../control/problem.ts";
import type { ProblemReport } from "../../control/types.ts";
import { GnmiError } from "../status.ts";

const CODES: Readonly<Record<ReturnType<typeof problemOf>["status"], keyof typeof status>> = {
  400: "INVALID_ARGUMENT",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  405: "UNIMPLEMENTED",
  409: "FAILED_PRECONDITION",
  413: "RESOURCE_EXHAUSTED",
  415: "INVALID_ARGUMENT",
  422: "INVALID_ARGUMENT",
  500: "INTERNAL",
  503: "RESOURCE_EXHAUSTED",
};

/** Octets of the problem: it travels in a header field, in base64, and clients take 64 KiB of those. */
const MOST_OCTETS = 24 * 1024;
/** Characters of the message beside it. */
const LONGEST_MESSAGE = 1_024;

/** What a client is told whose request went wrong: besides status and message the problem of HTTP, and our version. */
export function controlError(
  cause: unknown,
  { log, version }: { readonly log: Log; readonly version: string },
): GnmiError {
  if (cause instanceof GnmiError) return cause;
  const { status, problem } = problemOf(cause);
  if (status === 500)
    log.error("control.defect", { error: messageOf(cause), stack: cause instanceof Error ? cause.stack : undefined });
  const metadata = new Metadata();
  metadata.set("semrd-problem-bin", fitting(problem));
  metadata.set("semrd-version", version);
  return new GnmiError(CODES[status], `${problem.detail.slice(0, LONGEST_MESSAGE)} (${problem.code})`, metadata);
}

/** With as many faults as there is room for, and how many there are besides. */
function fitting(problem: ProblemReport): Buffer {
  const whole = Buffer.from(JSON.stringify({ ...problem, detail: problem.detail.slice(0, LONGEST_MESSAGE) }));
  if (whole.length <= MOST_OCTETS) return whole;
  const all = problem.faults ?? [];
  for (let count = all.length >> 1; ; count >>= 1) {
    const more = { reason: `and ${all.length - count} more` };
    const detail = problem.detail.slice(0, LONGEST_MESSAGE);
    const cut = Buffer.from(JSON.stringify({ ...problem, detail, faults: [...all.slice(0, count), more] }));
    if (cut.length <= MOST_OCTETS || count === 0) return cut;
  }
}
