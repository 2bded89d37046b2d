import type { Metadata } from "@grpc/grpc-js";
import type { Clock, Log } from "../../../base/index.ts";
import { type ControlHandlers, ControlRefusal } from "../../control/handlers.ts";
import { rowPortions } from "../../control/portions.ts";
import { bad, textOf, tooLarge } from "../../control/request.ts";
import type { ControlAnswer, Request } from "../../control/resource.ts";
import { answer } from "../../control/resources.ts";
import type { Session } from "../../datastore/index.ts";
import type { AccessBook } from "../../nacm/index.ts";
import { type Arbiter, refuseOthers } from "../extensions.ts";
import { echoed } from "../get.ts";
import { deepestLevel, MOST_LEVELS } from "../json-depth.ts";
import type { GetRequest, GnmiPath, SetRequest, TypedValue } from "../messages.ts";
import { nanoseconds } from "../parts.ts";
import { GnmiError } from "../status.ts";
import { notificationOctets, type Sent } from "../wire.ts";
import { ControlAnswerWriter } from "./octets.ts";
import { controlError } from "./refusal.ts";
import { controlTarget, isControl } from "./target.ts";

/** What answers the resources of the control socket. */
export interface ControlOrigin {
  readonly handlers: () => ControlHandlers;
  /** Of semrd. */
  readonly version: string;
}

export interface ControlParts extends ControlOrigin {
  readonly arbiter: Arbiter;
  readonly access: AccessBook;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether callers are on the router's own host. */
  readonly isOfHost: boolean;
}

/** Who calls, and what he says besides. */
export interface ControlCaller {
  readonly session: Session;
  readonly metadata: Metadata;
}

/** Rows of one answer of Get; more are for Subscribe. */
const MOST_ROWS = 50_000;
/** Paths of one request. */
const MOST_PATHS = 16;
/** The identifier for what nobody has registered. */
const EXPERIMENTAL = "EID_EXPERIMENTAL";

export const isControlGet = ({ prefix, path }: GetRequest): boolean =>
  path.length === 0 ? isControl(prefix, null) : path.some((one) => isControl(prefix, one));

export const isControlSet = ({ prefix, update, replace, union_replace, delete: gone }: SetRequest): boolean =>
  isControl(prefix, null) ||
  [...update, ...replace, ...union_replace].some(({ path }) => isControl(null, path)) ||
  gone.some((path) => isControl(null, path));

/** What is asked, as the resources know it. `body`: of operations. */
export function controlRequest(
  method: "GET" | "POST" | "DELETE",
  { prefix, path }: { readonly prefix: GnmiPath | null; readonly path: GnmiPath | null },
  { session, metadata }: ControlCaller,
  more: Pick<Request, "isOfHost" | "gone"> & { readonly body?: Uint8Array },
): Request {
  const [named] = metadata.get("semrd-session");
  const { body = new Uint8Array(), isOfHost, gone } = more;
  return {
    ...{ method, target: controlTarget(prefix, path), source: session.source, user: session.user, isOfHost, gone },
    ...(typeof named === "string" ? { session: named } : {}),
    async body(limit) {
      if (body.length > limit) throw tooLarge(limit);
      if (deepestLevel(body) > MOST_LEVELS) throw bad(`the body nests deeper than ${MOST_LEVELS} levels`);
      return textOf(body);
    },
  };
}

/** @throws whatever {@link answer} throws */
export function answered(request: Request, session: Session, parts: ControlParts): Promise<ControlAnswer> {
  const { user, groups = [], isRecovery = false } = session;
  const who = { name: user, groups, isRecovery };
  return answer({ request, target: request.target, handlers: parts.handlers(), who }, parts.access);
}

/**
 * Reports, and lists that are not long: one Notification for each path.
 * @throws {GnmiError}
 */
export async function controlGet(request: GetRequest, caller: ControlCaller, parts: ControlParts): Promise<Buffer> {
  const { prefix, path, type, encoding, extension } = request;
  try {
    refuseOthers(extension, []);
    if (type !== "ALL")
      throw new GnmiError("INVALID_ARGUMENT", "origin semrd-control knows no types of data: ask for ALL");
    if (path.length > MOST_PATHS) throw tooManyPaths(path.length);
    const notifications: Buffer[] = [];
    for (const one of path.length === 0 ? [null] : path) {
      const writer = new ControlAnswerWriter(prefix, one, encoding);
      const asked = controlRequest("GET", { prefix, path: one }, caller, { isOfHost: parts.isOfHost, gone: notHere });
      const items = await collected(await answered(asked, caller.session, parts), writer, parts.clock);
      notifications.push(notificationOctets(nanoseconds(parts.clock), echoed(prefix, one), items));
    }
    return Buffer.concat(notifications);
  } catch (cause) {
    throw controlError(cause, parts);
  }
}

/** Nothing lasts that is answered at once. */
const notHere = (): Promise<void> => Promise.resolve();

export const tooManyPaths = (count: number): GnmiError =>
  new GnmiError("INVALID_ARGUMENT", `${count} paths of origin semrd-control; ${MOST_PATHS} is the most of one request`);

async function collected(given: ControlAnswer, writer: ControlAnswerWriter, clock: Clock): Promise<readonly Sent[]> {
  switch (given.type) {
    case "report":
      return [writer.json(`${JSON.stringify(given.body)}\n`)];
    case "octets": {
      if (!isJson(given.contentType)) throw forSubscribe("this is octets");
      const chunks: Uint8Array[] = [];
      for await (const chunk of given.chunks) chunks.push(chunk);
      return [writer.json(Buffer.concat(chunks))];
    }
    case "rows": {
      let count = 0;
      const matches = (row: object): boolean => {
        if (given.matches?.(row) === false) return false;
        if (++count > MOST_ROWS) throw forSubscribe(`there are more than ${MOST_ROWS} rows`);
        return true;
      };
      const items: Sent[] = [];
      const options = { between: ",\n", matches };
      for await (const portion of rowPortions(given.rows, options, clock)) items.push(writer.rows(portion));
      return items.length === 0 ? [writer.rows("")] : items;
    }
  }
}

export const isJson = (contentType: string): boolean => contentType.endsWith("json");

const forSubscribe = (what: string): GnmiError =>
  new GnmiError("RESOURCE_EXHAUSTED", `${what}: Subscribe ONCE, which sends them as they come`);

/**
 * One operation: an update with its parameters as JSON, or a delete. What it says is in an extension of the SetResponse, as that has
 * no other place for it.
 *
 * @returns a SetResponse
 * @throws {GnmiError}
 */
export async function controlSet(request: SetRequest, caller: ControlCaller, parts: ControlParts): Promise<object> {
  const { prefix } = request;
  try {
    refuseOthers(request.extension, ["master_arbitration"]);
    parts.arbiter.admit(request.extension);
    const [update, gone] = [request.update[0], request.delete[0]];
    const count = request.update.length + request.delete.length;
    if (count !== 1 || request.replace.length > 0 || request.union_replace.length > 0) {
      throw new GnmiError(
        "INVALID_ARGUMENT",
        "a Set of origin semrd-control is one operation: one update, or one delete",
      );
    }
    const path = update?.path ?? gone ?? null;
    const body = bodyOf(update?.val ?? null);
    const more = { isOfHost: parts.isOfHost, gone: notHere, ...(body === undefined ? {} : { body }) };
    const asked = controlRequest(update === undefined ? "DELETE" : "POST", { prefix, path }, caller, more);
    if (lasts(asked)) throw bad("a session lasts as long as it is subscribed to: Subscribe STREAM");
    const given = await answered(asked, caller.session, parts);
    if (given.type !== "report") throw new Error(`an operation answers with ${given.type}`);
    const said = { ext: "registered_ext", registered_ext: { id: EXPERIMENTAL, msg: reportOctets(given.body) } };
    return {
      prefix,
      response: [{ path, op: update === undefined ? "DELETE" : "UPDATE" }],
      timestamp: String(nanoseconds(parts.clock)),
      extension: [said],
    };
  } catch (cause) {
    throw controlError(cause, parts);
  }
}

const reportOctets = (body: unknown): Buffer => Buffer.from(`${JSON.stringify(body)}\n`);

function bodyOf(value: TypedValue | null): Uint8Array | undefined {
  switch (value?.value) {
    case undefined:
      return undefined;
    case "json_val":
      return value.json_val;
    case "json_ietf_val":
      return value.json_ietf_val;
    default:
      throw new GnmiError("INVALID_ARGUMENT", "origin semrd-control takes values as json_val or json_ietf_val");
  }
}

/** Whether it is a session, which has no answer but that it is there. */
export const lasts = ({ target }: Request): boolean => target.segments.join("/") === "config/session";

/** A refusal of a request that is for another call. */
export const otherCall = (detail: string): ControlRefusal =>
  new ControlRefusal(405, "control.method", "Method not allowed", detail);
