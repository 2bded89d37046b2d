import type { BpfProgram, Native } from "../../../native/index.ts";
import type { Attachment } from "./attachment.ts";
import { detachEdge } from "./edge-programs.ts";
import { removePin } from "./pins.ts";

/** The programs stay where they are. */
export function letGo({ link, edge }: Attachment): void {
  for (const program of [{ link }, ...edge]) program.link[Symbol.dispose]();
}

/** Takes the program off its interface, and those of the edge beside it; their pins go, too. */
export function detach({ link, pin, edge }: Attachment): void {
  for (const program of edge) ignoringGone(() => detachEdge(program));
  link.detach();
  if (pin !== undefined) removePin(pin);
}

/** A program that an earlier process left. */
export function detachPinned(native: Native, pin: string): void {
  ignoringGone(() => native.bpf.openLink(pin).detach());
  removePin(pin);
}

/** A clsact filter has no descriptor: putting ours in its place is how to get hold of it. */
export function detachClsact(native: Native, program: BpfProgram, ifindex: number): void {
  ignoringGone(() => native.bpf.attachTc(program, ifindex, "clsact").detach());
}

/** Runs `detach`; an interface that is gone has taken its program with it. */
export function ignoringGone(detach: () => void): void {
  try {
    detach();
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENODEV")) throw cause;
  }
}
