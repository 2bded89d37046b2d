import type { Socket } from "node:net";
import { type Clock, milliseconds } from "../../base/index.ts";

/** How every connection of HTTP/2 begins, as far as it tells; HTTP/1.1 knows no such method. @see RFC 9113 §3.4 */
const PREFACE = Buffer.from("PRI * HTTP/2.0");
const SILENCE = milliseconds(5_000);

/**
 * Says what a connection speaks by its first octets, which stay in it. `nothing`: it was silent for too long.
 *
 * @throws {Error} where it is closed before
 */
export function distinguish(socket: Socket, clock: Clock): Promise<"http/2" | "other" | "nothing"> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const settle = (then: () => void): void => {
      timer.cancel();
      socket.off("readable", look).off("end", gone).off("close", gone).off("error", gone);
      then();
    };
    const timer = clock.after(SILENCE, () => settle(() => resolve("nothing")));
    const gone = (): void => settle(() => reject(new Error("closed before it said what it speaks")));
    const look = (): void => {
      const more = socket.read() as Buffer | null;
      if (more === null) return; // its end, which is told
      head = Buffer.concat([head, more]);
      const count = Math.min(head.length, PREFACE.length);
      const isAlike = head.subarray(0, count).equals(PREFACE.subarray(0, count));
      if (isAlike && count < PREFACE.length) return;
      settle(() => {
        socket.unshift(head);
        resolve(isAlike ? "http/2" : "other");
      });
    };
    socket.on("readable", look).once("end", gone).once("close", gone).once("error", gone);
  });
}
