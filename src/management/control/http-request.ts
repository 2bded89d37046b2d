import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { ControlRefusal } from "./handlers.ts";
import { parseTarget, textOf, tooLarge } from "./request.ts";
import type { Request } from "./resource.ts";

/** A request of HTTP. @throws {ControlRefusal} 400, 404 */
export function httpRequest(message: IncomingMessage): Request {
  const { method = "", url = "/", headers, socket } = message;
  const [session, user] = [headers["semrd-session"], headers["semrd-user"]];
  return {
    ...{ method, target: parseTarget(url), source: "control socket", isOfHost: true },
    ...(typeof session === "string" ? { session } : {}),
    ...(typeof user === "string" ? { user } : {}),
    body: (limit) => readBody(message, limit),
    async gone() {
      if (!socket.destroyed) await once(socket, "close");
    },
  };
}

/** Reads no more than `limit` octets of it. */
async function readBody(message: IncomingMessage, limit: number): Promise<string> {
  const type = message.headers["content-type"];
  if (type !== undefined && !/^application\/([\w.+-]*\+)?json\s*(;|$)/i.test(type))
    throw new ControlRefusal(
      415,
      "control.not-json",
      "Unsupported media type",
      `a body is application/json here, not ${type}`,
    );
  if (Number(message.headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return textOf(Buffer.concat(chunks));
}
