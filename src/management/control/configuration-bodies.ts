import { seconds } from "../../base/index.ts";
import type { CommitOptions, EditStep } from "../datastore/index.ts";
import { ControlRefusal } from "./handlers.ts";
import type { Exchange } from "./resource.ts";

const MAX_ORDER = 64 * 1024;
/** Requests are sessions of their own, so what waits for confirmation has to be found by an id. */
export const PERSIST_ID = "semrctl";

/** A body that is a JSON object, or none. */
export async function order<T extends object>({ request }: Exchange): Promise<Partial<T>> {
  const text = await request.body(MAX_ORDER);
  try {
    const value: unknown = text === "" ? {} : JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Partial<T>;
  } catch {
    // said below
  }
  throw new ControlRefusal(400, "control.bad-request", "Bad request", "the body is not a JSON object");
}

export interface CommitOrder {
  readonly comment: unknown;
  readonly "confirmed-seconds": unknown;
  readonly "persist-id": unknown;
}

/** @throws {ControlRefusal} 400 */
export function commitOptions(given: Partial<CommitOrder>): CommitOptions {
  const { comment, "confirmed-seconds": timeout, "persist-id": persistId } = given;
  const bad = (detail: string) => new ControlRefusal(400, "control.bad-request", "Bad request", detail);
  if (comment !== undefined && (typeof comment !== "string" || comment.length > 1000)) {
    throw bad("a comment is a text of at most 1000 characters");
  }
  const isTime = typeof timeout === "number" && Number.isInteger(timeout) && timeout >= 1 && timeout <= 0xffffffff;
  if (timeout !== undefined && !isTime) throw bad("confirmed-seconds is a whole number of seconds from 1 on");
  if (persistId !== undefined && typeof persistId !== "string") throw bad("persist-id is a text");
  return {
    ...(comment === undefined ? {} : { comment }),
    ...(timeout === undefined ? {} : { confirmed: { timeout: seconds(timeout as number), persist: PERSIST_ID } }),
    ...(persistId === undefined ? {} : { persistId }),
  };
}

/** @throws {ControlRefusal} 400 */
export function steps(text: string): EditStep[] {
  const bad = (): never => {
    const detail = 'the body is a JSON array of {"operation", "path", and "value" or "text"}';
    throw new ControlRefusal(400, "control.bad-request", "Bad request", detail);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    bad();
  }
  if (!Array.isArray(value)) return bad();
  return value.map((step: unknown): EditStep => {
    const { operation, path, value: json, text: plain } = (step ?? {}) as Record<string, unknown>;
    if (typeof path !== "string") return bad();
    if (operation === "delete" || operation === "remove") return { operation, path };
    if (operation !== "create" && operation !== "merge" && operation !== "replace") return bad();
    if (typeof plain === "string") return { operation, path, text: plain };
    if (json === undefined) return bad();
    return { operation, path, value: JSON.stringify(json) };
  });
}
