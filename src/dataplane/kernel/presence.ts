import type { Attachment } from "./attachment.ts";

/** A program of a port. */
export type PortProgram = "pass" | "in" | "out";

/**
 * What is not on the interface any more: somebody took it off, put something else in its place, or the interface is another one with
 * the same index. `told`: clsact filters are looked at, too, of which the kernel tells.
 */
export function missingPrograms(
  { link, edge }: Attachment,
  { told }: { readonly told: boolean },
): readonly PortProgram[] {
  const programs = [{ place: "pass", link } as const, ...edge];
  return programs.flatMap(({ place, link }) => ((told || link.pinnable) && !link.isAttached() ? [place] : []));
}
