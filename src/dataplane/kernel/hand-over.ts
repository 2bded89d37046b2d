import type { EgressState, Native } from "../../../native/index.ts";
import { messageOf } from "../../base/index.ts";
import type { PortOptions } from "../driver.ts";
import type { Attachment } from "./attachment.ts";

/**
 * Whether tc may hand packets to the other end of a veth itself, past this end's egress and a queue: to
 * clients and agents in another namespace, while nothing of others is on the link that would do something to what passes.
 */
export interface HandOver {
  readonly allowed: boolean;
  /** Why not, where a veth could have it. */
  readonly reason?: string;
}

const NO: HandOver = { allowed: false };

export function handOverOf({ role }: PortOptions, { report, edge }: Attachment, { bpf }: Native): HandOver {
  if (role === "core" || (report.hook !== "tcx" && report.hook !== "clsact")) return NO;
  let egress: EgressState;
  try {
    egress = bpf.queryEgress(report.ifindex);
  } catch (cause) {
    // an interface that is gone: somebody is about to notice
    if (cause instanceof Error && "code" in cause && cause.code === "ENODEV") return NO;
    return {
      allowed: false,
      reason: `what is at the egress of ${report.interface} is not known (${messageOf(cause)})`,
    };
  }
  const { endsElsewhere, queue, programs, filters, chains, framesTaken } = egress;
  if (!endsElsewhere) return NO;
  const ours = edge.filter(({ place, link }) => place === "out" && link.mode === "tcx").length;
  const theirs = [
    ...(queue === "noqueue" ? [] : [`a queueing discipline (${queue})`]),
    ...(programs + filters > ours ? ["a tc program or filter of others"] : []),
    ...(chains ? ["an nftables chain of the family netdev"] : []),
    ...(framesTaken === true ? ["an XDP program, or GRO, at the other end"] : []),
    ...(framesTaken === undefined ? ["perhaps an XDP program at the other end (Linux says so from 6.3 on)"] : []),
  ];
  if (theirs.length === 0) return { allowed: true };
  const reason = `packets to the other end go through the link of ${report.interface}, where there is ${theirs.join(" and ")}: they cost more than handed over`;
  return { allowed: false, reason };
}
