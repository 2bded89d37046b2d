import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { milliseconds } from "../../../base/index.ts";
import type { Session } from "../../datastore/index.ts";
import type { CallDoor, OpenStream } from "../calls.ts";
import { nanoseconds, type OperationParts } from "../parts.ts";
import { GnmiError, must } from "../status.ts";
import type { CancelRebootRequest, PingRequest, PingResponse, RebootRequest, RebootStatusRequest } from "./messages.ts";
import { type PingCall, PingStream } from "./ping.ts";
import type { RestartControl, RestartMethod } from "./restart.ts";

export interface SystemParts extends Pick<OperationParts, "access" | "clock" | "log"> {
  readonly restart: RestartControl;
}

/** Full name of the service; its package is the module name of rules of the access control, its methods are their rpc names. */
export const SYSTEM = "gnoi.system.System";
const MODULE = "gnoi.system";
/** What acts on the router or on others is let do only by a rule, whatever exec-default says. */
const NEED_RULE: ReadonlySet<string> = new Set(["Ping", "Reboot", "CancelReboot"]);

const MOST_PINGS = 8;
const PINGS = ["semrd_gnoi_pings", "Pings of gNOI that run."] as const;
const TRACEROUTES = ["semrd_gnoi_traceroutes", "Traceroutes of gNOI that are being refused."] as const;
/** A restart begins when its answer has gone. */
const SHORTEST_DELAY = milliseconds(100);
const LONGEST_DELAY = milliseconds(7 * 86_400_000);
/** Reasons are logged and told back. */
const LONGEST_REASON = 512;

const NOT_HERE = {
  Traceroute:
    "the router does not trace paths: its command explain says what it chooses, and ping of this service whether it arrives",
  SetPackage: "semrd is installed and upgraded with the packages of its host",
  SwitchControlProcessor: "the router is one process: there is nothing to switch to",
  KillProcess: "the router ends no processes of its host; Reboot restarts its own",
} as const;

/** The service System of gNOI. @see gNOI 1.4, system.proto */
export function gnoiSystem(parts: SystemParts, door: CallDoor): UntypedServiceImplementation {
  const { clock, restart } = parts;
  const unary = <Request>(name: string, carryOut: (request: Request, session: Session) => Promise<object> | object) =>
    door.unary<Request>(async (request, session) => audited(parts, session, name, () => carryOut(request, session)));
  return {
    Time: unary("Time", () => ({ time: String(nanoseconds(clock)) })),
    Ping: door.stream<PingRequest, PingResponse>(
      { most: MOST_PINGS, name: "pings", metric: PINGS },
      (call, session) => {
        const ping = new PingStream(call as PingCall);
        const { destination } = (call as PingCall).request;
        return {
          serve: () => audited(parts, session, "Ping", () => ping.serve(), { destination }),
          fail: (error) => ping.fail(error),
        };
      },
    ),
    Reboot: unary("Reboot", (request: RebootRequest, session) => reboot(request, session, restart)),
    RebootStatus: unary("RebootStatus", ({ subcomponents }: RebootStatusRequest) => {
      whole(subcomponents);
      return status(parts);
    }),
    CancelReboot: unary("CancelReboot", ({ subcomponents }: CancelRebootRequest) => {
      whole(subcomponents);
      if (!restart.cancel()) throw new GnmiError("FAILED_PRECONDITION", "no restart is going to happen");
      return {};
    }),
    Traceroute: door.stream<object, object>(
      { most: MOST_PINGS, name: "traceroutes", metric: TRACEROUTES },
      (_call, session): OpenStream => ({
        serve: () => audited(parts, session, "Traceroute", () => notHere("Traceroute")),
        fail: () => undefined,
      }),
    ),
    SetPackage: unary("SetPackage", () => notHere("SetPackage")),
    SwitchControlProcessor: unary("SwitchControlProcessor", () => notHere("SwitchControlProcessor")),
    KillProcess: unary("KillProcess", () => notHere("KillProcess")),
  };
}

function notHere(name: keyof typeof NOT_HERE): never {
  throw new GnmiError("UNIMPLEMENTED", NOT_HERE[name]);
}

/** Carries out what somebody may do, and leaves a line of who did what, and with which outcome. @throws {GnmiError} */
async function audited<T>(
  { access, log }: SystemParts,
  { user, source, ...session }: Session,
  operation: string,
  carryOut: () => Promise<T> | T,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  const told = { ...{ operation, user, source }, ...fields };
  try {
    const needsRule = NEED_RULE.has(operation);
    must(access.calling({ ...session, user, source }, `${MODULE}:${operation}`, { needsRule }));
    const answer = await carryOut();
    log.info("gnoi.called", told);
    return answer;
  } catch (cause) {
    log.warn("gnoi.refused", { ...told, reason: cause instanceof GnmiError ? cause.details : "a defect" });
    throw cause;
  }
}

/** @throws {GnmiError} for parts of the router */
function whole(subcomponents: readonly object[]): void {
  if (subcomponents.length > 0) {
    throw new GnmiError(
      "UNIMPLEMENTED",
      "subcomponents: the router has no parts that restart by themselves; leave them out",
    );
  }
}

async function reboot(request: RebootRequest, { user }: Session, restart: RestartControl): Promise<object> {
  whole(request.subcomponents);
  const method = methodOf(request.method);
  const given = BigInt(request.delay) / 1_000_000n;
  if (given > BigInt(LONGEST_DELAY))
    throw new GnmiError("INVALID_ARGUMENT", "delay is at most seven days, in nanoseconds");
  const after = milliseconds(Math.max(Number(given), SHORTEST_DELAY));
  const reason = request.message.slice(0, LONGEST_REASON);
  const refusal = await restart.order({ method, reason, user }, { after, force: request.force });
  if (refusal !== undefined) throw new GnmiError("FAILED_PRECONDITION", refusal);
  return {};
}

/** The machine is not the router's: whatever is asked for, its process is restarted, and the tables go on forwarding. */
function methodOf(method: RebootRequest["method"]): RestartMethod {
  switch (method) {
    case "COLD":
    case "WARM":
    case "NSF":
      return method;
    default: {
      const message = `${method} is not offered: COLD, WARM and NSF restart the router's process, and its host is not the router's`;
      throw new GnmiError("INVALID_ARGUMENT", message);
    }
  }
}

function status({ clock, restart }: SystemParts): object {
  const { pending, count, last } = restart;
  if (pending === undefined) {
    const outcome =
      last === undefined
        ? { status: "STATUS_UNKNOWN", message: "" }
        : { status: "STATUS_SUCCESS", message: `restarted for ${last.user}` };
    return { active: false, count, reason: last?.reason ?? "", method: last?.method ?? "UNKNOWN", status: outcome };
  }
  const { at, reason, method } = pending;
  const wait = BigInt(Math.max(0, Math.round(at - clock.wall()))) * 1_000_000n;
  const when = BigInt(Math.round(at)) * 1_000_000n;
  return { active: true, wait: String(wait), when: String(when), reason, count, method };
}
