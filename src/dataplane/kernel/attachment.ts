import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BpfLink, BpfProgram, Native, SystemCallError } from "../../../native/index.ts";
import { messageOf } from "../../base/index.ts";
import type { PortOptions, PortReport } from "../driver.ts";
import { DataplaneError } from "../error.ts";
import { attachEdge, type EdgeParts, type EdgeProgram, edgePlaces } from "./edge-programs.ts";
import { filterTerms } from "./filter-records.ts";
import { removePin } from "./pins.ts";
import type { PortTable } from "./port-table.ts";
import type { SourceMap } from "./source-map.ts";

export type Hook = "xdp" | "tc";

export interface AttachmentParts extends EdgeParts {
  readonly programs: Readonly<Record<Hook, BpfProgram>>;
  readonly table: PortTable;
  readonly sources: SourceMap;
  /** Of a tenant's clients; 0: none. */
  readonly policyOf: (tenantIndex: number) => number;
}

/** A program on an interface. */
export interface Attachment {
  readonly link: BpfLink;
  /** Where the link is pinned; of a clsact filter, which stays without, its program. */
  readonly pin: string;
  /** What sits there besides. */
  readonly edge: readonly EdgeProgram[];
  readonly report: PortReport;
  /** Native XDP on hardware: frames that are redirected there arrive. On a veth they lose checksums or vanish. */
  readonly redirectable: boolean;
  /** Frames may come in with unfinished checksums. */
  readonly partial: boolean;
}

/** One way to put the program on an interface. */
interface Way {
  readonly hook: Hook;
  /** Without generic mode as the last resort. */
  readonly nativeOnly: boolean;
}

/**
 * The ways to try, best first. XDP in front of ordinary sockets cuts TCP to a quarter, so only links between routers get it
 * unasked; and only in native mode, since generic mode meets super-packets that GRO or a local sender made, cannot tell them
 * from packets that are too big, and brings an upload down to some kilobytes a second.
 */
function waysOf({ hook, role }: PortOptions): readonly Way[] {
  if (hook !== "auto") return [{ hook, nativeOnly: false }];
  const tc = { hook: "tc", nativeOnly: false } as const;
  return role === "core" ? [{ hook: "xdp", nativeOnly: true }, tc] : [tc];
}

export function pinOf(links: string, hook: Hook, ifindex: number): string {
  return join(links, `${hook}-${ifindex}`);
}

/**
 * Puts the program on an interface and pins it there, or takes over the link that an earlier process pinned and replaces
 * its program without a gap. Until the port has an entry in `ports`, everything passes.
 *
 * @throws {DataplaneError} `dataplane.foreign-program`, `dataplane.interface-missing`, `dataplane.no-rights`,
 * `dataplane.unsupported-kernel`
 */
export async function attach(port: PortOptions, ifindex: number, parts: AttachmentParts): Promise<Attachment> {
  if (ifindex >= parts.table.limit) throw beyondPortTable(port, ifindex, parts.table.limit);
  const ways = waysOf(port);
  for (const way of ways.slice(0, -1)) {
    try {
      return await attachBy(way, port, ifindex, parts);
    } catch (cause) {
      if (!isUnsupported(cause)) throw cause;
    }
  }
  const attachment = await attachBy(ways.at(-1)!, port, ifindex, parts);
  if (ways.length === 1) return attachment;
  const mtu = linkOf(parts.native, ifindex)?.mtu ?? 0;
  const why = mtu > ONE_PAGE_MTU ? TOO_LARGE_FOR_XDP(mtu) : NO_NATIVE_XDP;
  const reason = [why, attachment.report.reason].filter((text) => text !== undefined).join("; ");
  return { ...attachment, report: { ...attachment.report, reason } };
}

/** A page less the headroom of XDP (256), the kernel's skb_shared_info (320) and the Ethernet header: what veth takes; some drivers take less. */
const ONE_PAGE_MTU = 4096 - 256 - 320 - 14;
const NO_NATIVE_XDP = "the driver takes no native XDP program: tc instead, which costs more for each packet";
const TOO_LARGE_FOR_XDP = (mtu: number): string =>
  `native XDP takes frames of one page: tc instead at an MTU of ${mtu}, which costs more for each packet; with ${ONE_PAGE_MTU} or less, and a restart, XDP`;

function linkOf({ sock }: Native, ifindex: number) {
  return sock.interfaceList().find(({ index }) => index === ifindex);
}

function isUnsupported(cause: unknown): boolean {
  return cause instanceof DataplaneError && cause.fault.code === "dataplane.unsupported-kernel";
}

async function attachBy(
  { hook, nativeOnly }: Way,
  port: PortOptions,
  ifindex: number,
  parts: AttachmentParts,
): Promise<Attachment> {
  const pin = pinOf(parts.links, hook, ifindex);
  try {
    const earlier = openEarlier(parts.native, pin);
    if (nativeOnly && earlier?.mode === "generic") {
      earlier.detach();
      removePin(pin);
      throw new DataplaneError({ code: "dataplane.unsupported-kernel" }, `${port.interface}: ${NO_NATIVE_XDP}`);
    }
    await earlier?.update(parts.programs[hook]);
    const { link, pin: pinned } =
      earlier === undefined ? attachNew({ hook, nativeOnly }, ifindex, pin, parts) : { link: earlier, pin };
    const adopted = earlier !== undefined || link.replaced;
    const newPin = adopted ? undefined : pinned;
    const edge = await edgeBeside(link, newPin, edgePlaces(port, hook), ifindex, parts);
    const { driver = "", mtu = 0 } = linkOf(parts.native, ifindex) ?? {};
    return {
      redirectable: link.mode === "native" && isPhysical(driver),
      partial: driver === "veth",
      link,
      pin: pinned,
      edge,
      report: {
        ...unattached(port),
        ...{ ifindex, adopted, edge: edge.map(({ place }) => place) },
        ...modeOf(link, driver, mtu),
      },
    };
  } catch (cause) {
    throw asDataplaneError(cause, port, hook);
  }
}

/** The programs of the edge; when they cannot be had, the new link of the pass goes too. */
async function edgeBeside(
  link: BpfLink,
  newPin: string | undefined,
  places: Parameters<typeof attachEdge>[0],
  ifindex: number,
  parts: AttachmentParts,
): Promise<readonly EdgeProgram[]> {
  try {
    return await attachEdge(places, ifindex, parts, (pin) => openEarlier(parts.native, pin));
  } catch (cause) {
    if (newPin === undefined) link[Symbol.dispose]();
    else {
      link.detach();
      removePin(newPin);
    }
    throw cause;
  }
}

/** The link that an earlier process left; its pin goes if the interface has gone. */
function openEarlier(native: Native, pin: string): BpfLink | undefined {
  if (!existsSync(pin)) return undefined;
  try {
    return native.bpf.openLink(pin);
  } catch (cause) {
    if (codeOf(cause) !== "ENODEV") throw cause;
    removePin(pin);
    return undefined;
  }
}

/** Of an interface on which the program of an earlier process stays. */
export function reportOfEarlier(port: PortOptions, ifindex: number, links: string, native: Native): PortReport {
  for (const hook of ["xdp", "tc"] as const) {
    using link = openEarlier(native, pinOf(links, hook, ifindex));
    if (link !== undefined) return { ...unattached(port), ifindex, adopted: true, hook: modeOf(link, "", 0).hook };
  }
  return { ...unattached(port), ifindex };
}

/** Pinned before anybody hears of it: an unpinned link would go with the process. */
function attachNew(
  { hook, nativeOnly }: Way,
  ifindex: number,
  pin: string,
  parts: AttachmentParts,
): { readonly link: BpfLink; readonly pin: string } {
  const { bpf } = parts.native;
  const program = parts.programs[hook];
  const terms = filterTerms(parts, "ingress", ifindex, program);
  const link =
    hook === "xdp"
      ? bpf.attachXdp(program, ifindex, nativeOnly ? "native" : undefined)
      : bpf.attachTc(program, ifindex, undefined, "ingress", terms);
  try {
    if (!link.pinnable) return { link, pin: terms.record };
    link.pin(pin);
    return { link, pin };
  } catch (cause) {
    link.detach();
    throw cause;
  }
}

/** The report of a port whose interface nobody has seen yet. */
export function unattached({ interface: name, role, tenantIndex }: PortOptions, reason?: string): PortReport {
  const report = { interface: name, ifindex: 0, role, tenantIndex, hook: "none", adopted: false } as const;
  return reason === undefined ? report : { ...report, reason };
}

function modeOf(link: BpfLink, driver: string, mtu: number): Pick<PortReport, "hook" | "reason"> {
  switch (link.mode) {
    case "native":
      return { hook: "xdp native" };
    case "generic":
      return {
        hook: "xdp generic",
        reason:
          mtu > ONE_PAGE_MTU
            ? `native XDP takes frames of one page: generic mode at an MTU of ${mtu}, which costs as much as without XDP; with ${ONE_PAGE_MTU} or less, and a restart, native mode, or tc`
            : `the driver ${driver || "of this interface"} takes no native XDP program: each packet costs about as much as without XDP`,
      };
    case "tcx":
      return { hook: "tcx" };
    case "clsact":
      return { hook: "clsact", reason: "the kernel has no tcx (it came with Linux 6.6): a clsact filter instead" };
  }
}

const VIRTUAL_DRIVERS = new Set([
  "",
  "veth",
  "tun",
  "bridge",
  "bonding",
  "team",
  "dummy",
  "vxlan",
  "macvlan",
  "ipvlan",
]);

function isPhysical(driver: string): boolean {
  return !VIRTUAL_DRIVERS.has(driver) && !driver.startsWith("802.1Q");
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause ? (cause as SystemCallError).code : undefined;
}

function beyondPortTable({ interface: name }: PortOptions, ifindex: number, limit: number): DataplaneError {
  return new DataplaneError(
    { code: "dataplane.interface-missing", interface: name },
    `interface ${name} has index ${ifindex}, and the port table ends at ${limit - 1}: create the interface in a fresh network namespace`,
  );
}

function asDataplaneError(cause: unknown, { interface: name }: PortOptions, hook: Hook): DataplaneError {
  if (cause instanceof DataplaneError) return cause;
  const options = { cause };
  switch (codeOf(cause)) {
    case "EBUSY":
    case "EEXIST":
      return new DataplaneError(
        { code: "dataplane.foreign-program", interface: name },
        `another program is on the ${hook} hook of ${name} and is not replaced (${messageOf(cause)}): take it off (${
          hook === "xdp" ? `ip link set dev ${name} xdp off` : `tc filter del dev ${name} ingress`
        }; bpftool net list dev ${name} shows it), or give the port the other hook`,
        options,
      );
    case "ENODEV":
      return new DataplaneError(
        { code: "dataplane.interface-missing", interface: name },
        `interface ${name} went away while the program was put on it; it is tried again when it is back`,
        options,
      );
    case "EPERM":
    case "EACCES":
      return new DataplaneError(
        { code: "dataplane.no-rights" },
        `the program may not be put on ${name} (${messageOf(cause)}): CAP_BPF and CAP_NET_ADMIN are needed`,
        options,
      );
    default:
      return new DataplaneError(
        { code: "dataplane.unsupported-kernel" },
        `the kernel does not take the ${hook} program on ${name} (${messageOf(cause)}): try the other hook for this port`,
        options,
      );
  }
}
