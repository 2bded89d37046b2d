import type { IncomingMessage } from "node:http";
import type { ControlHandlers, Rows } from "./handlers.ts";
import type { LocalUser } from "./local-users.ts";
import type { Need } from "./permission.ts";
import type { Target } from "./request.ts";

export type ControlAnswer =
  | { readonly type: "report"; readonly status: 200 | 201; readonly body: unknown }
  | { readonly type: "octets"; readonly contentType: string; readonly chunks: AsyncIterable<Uint8Array> }
  | { readonly type: "rows"; readonly rows: Rows<object>; readonly matches?: (row: object) => boolean };

export interface Exchange {
  readonly target: Target;
  /** What the `{}` of the path stood for. */
  readonly name: string;
  readonly request: IncomingMessage;
  readonly handlers: ControlHandlers;
  readonly who: LocalUser;
}

export interface Resource {
  readonly method: "GET" | "POST" | "DELETE";
  /** Segments behind `/v1`; `{}` is any one segment. */
  readonly path: string;
  /** Asked for before it is answered. */
  readonly needs: Need;
  answer(exchange: Exchange): Promise<ControlAnswer>;
}

export const report = (body: unknown, status: 200 | 201 = 200): ControlAnswer => ({ type: "report", status, body });
