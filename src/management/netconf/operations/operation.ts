import type { YangRequest } from "../../../../native/index.ts";
import type { Answer, Management, Session } from "../../datastore/index.ts";
import { faulty, OK, type Reply } from "../reply.ts";

/** One request as its operation sees it. */
export interface Call {
  readonly management: Management;
  readonly session: Session;
  readonly request: YangRequest;
}

/** Resolves also where something was wrong; rejects only for a defect. */
export type Operation = (call: Call) => Promise<Reply>;

/** By `module:name`. */
export type Operations = Readonly<Record<string, Operation>>;

/** `ok`, or what was wrong. */
export const done = (answer: Answer<unknown>): Reply => (answer.ok ? OK : faulty(...answer.faults));

/** A parameter that the schema has as text; absent where it was not given. */
export function textOf({ request }: Call, name: string): string | undefined {
  const value = request.input[name];
  return typeof value === "string" ? value : undefined;
}

export function numberOf({ request }: Call, name: string): number | undefined {
  const value = request.input[name];
  if (typeof value === "number") return value;
  return typeof value === "string" && value !== "" ? Number(value) : undefined;
}

/** Whether an empty leaf is there. */
export const has = ({ request }: Call, name: string): boolean => name in request.input;
