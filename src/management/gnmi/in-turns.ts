import { ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import type { Clock } from "../../base/index.ts";

/**
 * Has each call begin in a piece of work of its own (`Clock.soon`): a connection may bring a hundred of them at once, each of which takes a
 * millisecond, and they would follow on each other in one turn of the event loop. Before that its request is neither read nor
 * decoded, and what has been reset meanwhile never begins.
 */
export function inTurns(clock: Pick<Clock, "soon">): ServerInterceptor {
  return (_method, call) => new ServerInterceptingCall(call, { start: (next) => clock.soon(next) });
}
