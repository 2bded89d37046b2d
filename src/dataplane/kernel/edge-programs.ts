import { join } from "node:path";
import type { BpfLink, BpfProgram, Native } from "../../../native/index.ts";
import type { PortOptions } from "../driver.ts";
import { type FilterParts, filterTerms } from "./filter-records.ts";
import { removePin } from "./pins.ts";

/** In front of the pass, or behind everything that leaves. */
export type EdgePlace = "in" | "out";

/** A program of the edge on an interface, beside the pass. */
export interface EdgeProgram {
  readonly place: EdgePlace;
  readonly link: BpfLink;
  /** Of a clsact filter where its program is pinned. */
  readonly pin: string;
}

export interface EdgeParts extends FilterParts {
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
      const program = earlier === undefined ? attachNew(place, ifindex, pin, parts) : { link: earlier, pin };
      attached.push({ place, ...program, isNew: earlier === undefined && !program.link.replaced });
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

function attachNew(
  place: EdgePlace,
  ifindex: number,
  pin: string,
  parts: EdgeParts,
): { readonly link: BpfLink; readonly pin: string } {
  const program = parts.edge[place];
  const terms = filterTerms(parts, TC_PLACE[place], ifindex, program);
  const link = parts.native.bpf.attachTc(program, ifindex, undefined, TC_PLACE[place], terms);
  try {
    if (!link.pinnable) return { link, pin: terms.record };
    link.pin(pin);
    return { link, pin };
  } catch (cause) {
    link.detach();
    throw cause;
  }
}

export function detachEdge({ link, pin }: EdgeProgram): void {
  link.detach();
  removePin(pin);
}
