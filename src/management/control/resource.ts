import type { ControlHandlers, Rows } from "./handlers.ts";
import type { LocalUser } from "./local-users.ts";
import type { Need } from "./permission.ts";
import type { Target } from "./request.ts";

export type ControlAnswer =
  | { readonly type: "report"; readonly status: 200 | 201; readonly body: unknown }
  /** Text in JSON or lines of it, or octets of another kind. */
  | { readonly type: "octets"; readonly contentType: string; readonly chunks: AsyncIterable<Uint8Array> }
  | { readonly type: "rows"; readonly rows: Rows<object>; readonly matches?: (row: object) => boolean };

/** What somebody asks for, over whatever protocol. */
export interface Request {
  /** GET, POST or DELETE, if it is a good one. */
  readonly method: string;
  readonly target: Target;
  /** Where it comes from, for the commit log. */
  readonly source: string;
  /** Whether that is the router's own host. */
  readonly isOfHost: boolean;
  /** Session that it says it belongs to. */
  readonly session?: string;
  /** For whom it is, as it says. */
  readonly user?: string;
  /** The body as text. @throws {ControlRefusal} 400, 413 for more octets than that, 415 */
  body(limit: number): Promise<string>;
  /** Resolves when nobody waits for the answer any more. */
  gone(): Promise<unknown>;
}

export interface Exchange {
  readonly request: Request;
  readonly target: Target;
  /** What the `{}` of the path stood for. */
  readonly name: string;
  readonly handlers: ControlHandlers;
  readonly who: LocalUser;
}

export interface Resource {
  readonly method: "GET" | "POST" | "DELETE";
  /** Segments behind `/v1`; `{}` is any one segment. */
  readonly path: string;
  /** Asked for before it is answered. */
  readonly needs: Need;
  /** It is about files of the router's host, so it is only for who is there. */
  readonly isOfHost?: true;
  answer(exchange: Exchange): Promise<ControlAnswer>;
}

export const report = (body: unknown, status: 200 | 201 = 200): ControlAnswer => ({ type: "report", status, body });
