import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Native } from "../../../native/index.ts";
import type { Attachment } from "./attachment.ts";
import { detachEdge } from "./edge-programs.ts";
import { removeFilters } from "./filter-records.ts";
import { removeAllPins, removePin } from "./pins.ts";

/** The programs stay where they are. */
export function letGo({ link, edge }: Attachment): void {
  for (const program of [{ link }, ...edge]) program.link[Symbol.dispose]();
}

/** Takes the program off its interface, and those of the edge beside it; their pins go, too. */
export function detach({ link, pin, edge }: Attachment): void {
  for (const program of edge) ignoringGone(() => detachEdge(program));
  link.detach();
  removePin(pin);
}

/** A program whose link is pinned, if it is there still: an earlier process's, or one that cannot stay alone. */
export function detachPinned(native: Native, pin: string): void {
  if (!existsSync(pin)) return;
  ignoringGone(() => native.bpf.openLink(pin).detach());
  removePin(pin);
}

/** Takes off what was put on interfaces and pinned below a folder, where it can neither be replaced nor adopted. */
export function removePins(native: Native, pinDirectory: string): void {
  const links = join(pinDirectory, "links");
  for (const name of existsSync(links) ? readdirSync(links) : []) detachPinned(native, join(links, name));
  if (existsSync(pinDirectory)) removeFilters(native, pinDirectory, new Set());
  removeAllPins(pinDirectory);
}

/** Runs `detach`; an interface that is gone has taken its program with it. */
export function ignoringGone(detach: () => void): void {
  try {
    detach();
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ENODEV")) throw cause;
  }
}
