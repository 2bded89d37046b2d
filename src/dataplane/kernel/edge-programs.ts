import { join } from "node:path";
import type { BpfLink, BpfProgram, Native } from "../../../native/index.ts";
import type { PortOptions } from "../driver.ts";
import { removePin } from "./pins.ts";

/** In front of the pass, or behind everything that leaves. */
export type EdgePlace = "in" | "out";

/** A program of the edge on an interface, beside the pass. */
export interface EdgeProgram {
  readonly place: EdgePlace;
  readonly link: BpfLink;
  /** `undefined` for a clsact filter, which stays without. */
  readonly pin: string | undefined;
}

export interface EdgeParts {
  readonly native: Native;
  readonly edge: Readonly<Record<EdgePlace, BpfProgram>>;
  /** Folder of the pinned links. */
  readonly links: string;
}

const TC_PLACE = { in: "before", out: "egress" } as const;

/** What a port gets besides the pass: where agents and clients are, IPv4 and agents that call themselves come in too. */
export function edgePlaces({ role, own }: PortOptions, hook: "xdp" | "tc"): readonly EdgePlace[] {
  return hook === "tc" && (role !== "core" || own === true) ? ["in", "out"] : ["out"];
}

/**
 * Puts the programs on an interface that has the pass already, or takes over those of an earlier process without a gap.
 * When one cannot be had, those before it are taken off again.
 */
export async function attachEdge(
  places: readonly EdgePlace[],
  ifindex: number,
  parts: EdgeParts,
  openEarlier: (pin: string) => BpfLink | undefined,
): Promise<readonly EdgeProgram[]> {
  const attached: (EdgeProgram & { readonly isNew: boolean })[] = [];
  try {
    for (const place of places) {
      const pin = join(parts.links, `${place}-${ifindex}`);
      const earlier = openEarlier(pin);
      await earlier?.update(parts.edge[place]);
      const link = earlier ?? attachNew(place, ifindex, pin, parts);
      attached.push({ place, link, pin: link.pinnable ? pin : undefined, isNew: earlier === undefined });
    }
    return attached;
  } catch (cause) {
    for (const program of attached) {
      if (program.isNew) detachEdge(program);
      else program.link[Symbol.dispose]();
    }
    throw cause;
  }
}

function attachNew(place: EdgePlace, ifindex: number, pin: string, { native, edge }: EdgeParts): BpfLink {
  const link = native.bpf.attachTc(edge[place], ifindex, undefined, TC_PLACE[place]);
  try {
    if (link.pinnable) link.pin(pin);
    return link;
  } catch (cause) {
    link.detach();
    throw cause;
  }
}

export function detachEdge({ link, pin }: EdgeProgram): void {
  link.detach();
  if (pin !== undefined) removePin(pin);
}

/** Takes off clsact filters that an earlier process left: putting ours in their place is how to get hold of them. */
export function detachClsactEdge({ native, edge }: EdgeParts, ifindex: number): void {
  for (const place of ["in", "out"] as const)
    native.bpf.attachTc(edge[place], ifindex, "clsact", TC_PLACE[place]).detach();
}
