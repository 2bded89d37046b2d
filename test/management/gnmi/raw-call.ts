import { once } from "node:events";
import { connect } from "node:http2";
import { ADDRESS, type GnmiRouter, PASSWORD, PORT } from "./gnmi-router.ts";

/** One call with octets as they are; the gRPC status, -1 without any. `method` with its service: `/gnmi.gNMI/Get`. */
export async function rawCall(
  { ca }: Pick<GnmiRouter, "ca">,
  method: string,
  octets: Uint8Array,
  login: Readonly<Record<string, string>> = { username: "admin", password: PASSWORD },
): Promise<number> {
  const session = connect(`https://${ADDRESS}:${PORT}`, { ca });
  session.on("error", () => undefined);
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": method,
      "content-type": "application/grpc",
      ...{ te: "trailers", ...login },
    });
    let code = -1;
    stream.on("response", (headers) => {
      if (headers["grpc-status"] !== undefined) code = Number(headers["grpc-status"]);
    });
    stream.on("trailers", (headers) => {
      code = Number(headers["grpc-status"]);
    });
    stream.on("error", () => undefined);
    stream.resume();
    stream.end(octets);
    await once(stream, "close");
    return code;
  } finally {
    session.destroy();
  }
}

/** A message with the head that gRPC puts before it. */
export function framed(message: Uint8Array, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}
