import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Bpf } from "../../../native/index.ts";
import { messageOf, toHex } from "../../base/index.ts";
import { ABI_VERSION, MAPS, VERDICTS } from "../abi.ts";
import type { DataplaneOptions } from "../driver.ts";
import { DataplaneError } from "../error.ts";
import type { TableSizes } from "../sizes.ts";

/** `v<N>-<router>-<layout>`; before there were several layouts of a router at a time, `v<N>-<both>`. */
const LAYOUT_FOLDER = /^v\d+-[0-9a-f]+(-[0-9a-f]+)?$/;
/** In front of the name while the maps are not filled, and while they are taken away: whoever finds one, removes it. */
const UNFILLED = "new-";
const LEAVING = "old-";
const LINKS = "links";

/** Where the pins are: `maps/` by layout, `links/` by hook and interface. Names have no dot: a bpffs reserves it. */
export interface PinFolders {
  /** `<pinDirectory>/v<N>-<router>-<layout>`: the maps of one layout, domain and router. What is there is whole. */
  readonly maps: string;
  /** Where the maps are until then; `undefined` if `maps` was there. */
  readonly unfilled: string | undefined;
  /** `<pinDirectory>/links`: they outlive a change of layout, so that the program is replaced without a gap. */
  readonly links: string;
  /** The maps of another layout of the same router, which it forwards by, at least on some ports. */
  readonly former: string | undefined;
  /** Still others of it: a process was killed before it could take them away, so that programs on some ports may use them yet. */
  readonly older: readonly string[];
  /** Why pins do not outlive this process's surroundings, `undefined` when they do. */
  readonly limit: string | undefined;
}

/**
 * Makes the folders, on a bpffs that is mounted if need be; what a process has left that was killed before its maps were
 * filled goes.
 * @throws {DataplaneError} `dataplane.no-rights`
 */
export function preparePins(bpf: Bpf, options: DataplaneOptions, sizes: TableSizes): PinFolders {
  const { pinDirectory } = options;
  try {
    const limit = mountBelow(bpf, pinDirectory);
    const router = routerName(options);
    const name = `v${ABI_VERSION}-${router}-${layoutName(sizes)}`;
    const maps = join(pinDirectory, name);
    const links = join(pinDirectory, LINKS);
    makeFolder(links);
    for (const left of readdirSync(pinDirectory))
      if (left.startsWith(UNFILLED) || left.startsWith(LEAVING)) removeFolder(join(pinDirectory, left));
    if (existsSync(maps) && !isWhole(maps)) removeFolder(maps); // somebody took pins away
    const [former, ...older] = formerLayouts(pinDirectory, router, name);
    if (existsSync(maps)) return { maps, unfilled: undefined, links, former, older, limit };
    const unfilled = join(pinDirectory, `${UNFILLED}${name}`);
    makeFolder(unfilled);
    return { maps, unfilled, links, former, older, limit };
  } catch (cause) {
    throw unusablePins(pinDirectory, messageOf(cause), cause);
  }
}

/** The maps are filled: from now on they are what a next process goes on with. */
export function nameFilled({ maps, unfilled }: PinFolders): void {
  if (unfilled !== undefined) renameSync(unfilled, maps);
}

const isWhole = (folder: string): boolean => {
  const names = new Set(readdirSync(folder));
  return Object.keys(MAPS).every((name) => names.has(name));
};

/** The youngest first. */
function formerLayouts(pinDirectory: string, router: string, own: string): readonly string[] {
  const age = (name: string): number => statSync(join(pinDirectory, name)).ctimeMs;
  return readdirSync(pinDirectory)
    .filter((name) => name !== own && LAYOUT_FOLDER.exec(name)?.[1] !== undefined && name.split("-")[1] === router)
    .sort((a, b) => age(b) - age(a))
    .map((name) => join(pinDirectory, name));
}

export function unusablePins(pinDirectory: string, reason: string, cause: unknown): DataplaneError {
  return new DataplaneError(
    { code: "dataplane.no-rights" },
    `the pin folder ${pinDirectory} cannot be used (${reason}): it must be on a bpffs, or mounting one there must be allowed`,
    { cause },
  );
}

/** Another one's plan is of no use, whatever its tables look like. */
function routerName({ domain, locator, hashSeed }: DataplaneOptions): string {
  return hashOf({ domain: toHex(domain.address), locator: toHex(locator), hashSeed }).slice(0, 8);
}

/** Everything that makes maps unusable for another program, so that it never meets them. */
function layoutName(sizes: TableSizes): string {
  return hashOf({ MAPS, sizes, verdicts: VERDICTS.length }).slice(0, 12); // verdicts are entries of a map, too
}

const hashOf = (what: unknown): string => createHash("sha256").update(JSON.stringify(what)).digest("hex");

/** Below a sysfs without a bpffs the folder cannot be made, but the deepest folder that exists can be mounted over. */
function mountBelow(bpf: Bpf, pinDirectory: string): string | undefined {
  let mounted = pinDirectory;
  try {
    makeFolder(pinDirectory);
  } catch (cause) {
    while (!existsSync(mounted)) mounted = dirname(mounted);
    if (!mounted.startsWith("/sys/fs/bpf")) throw cause;
  }
  bpf.mountBpffs(mounted);
  makeFolder(pinDirectory);
  if (!inPrivateMounts()) return undefined;
  return `this process has mounts of its own: unless ${mounted} was mounted outside, its pins go with the process and a restart adopts nothing.`;
}

/** Not `recursive: true`: where mkdir says ENOENT below a folder that exists, as on sysfs, Node 24 tries for ever. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  if (!existsSync(dirname(folder))) makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

function inPrivateMounts(): boolean {
  try {
    return readlinkSync("/proc/self/ns/mnt") !== readlinkSync("/proc/1/ns/mnt");
  } catch {
    return false; // no right to look at process 1: then nothing is known
  }
}

/** Removes the maps of other layouts; call once no program uses them. */
export function removeOtherLayouts(folders: PinFolders): string[] {
  const parent = dirname(folders.maps);
  if (!existsSync(parent)) return [];
  const others = readdirSync(parent).filter((name) => LAYOUT_FOLDER.test(name) && join(parent, name) !== folders.maps);
  for (const name of others) removeLayout(join(parent, name));
  return others;
}

/** Under another name first, as a layout is whole or not there. */
export function removeLayout(folder: string): void {
  const leaving = join(dirname(folder), `${LEAVING}${basename(folder)}`);
  if (existsSync(folder)) renameSync(folder, leaving);
  removeFolder(leaving);
}

/** Removes a folder of pins (no folders in it). */
export function removeFolder(folder: string): void {
  if (!existsSync(folder)) return;
  emptyFolder(folder);
  rmdirSync(folder);
}

/** Takes the pins away. */
export function emptyFolder(folder: string): void {
  for (const name of readdirSync(folder)) unlinkSync(join(folder, name));
}

/** Maps and links of all layouts, and the folder unless somebody else has something in it. Programs without a link stay. */
export function removeAllPins(pinDirectory: string): void {
  if (!existsSync(pinDirectory)) return;
  const isOurs = (name: string): boolean =>
    name === LINKS || LAYOUT_FOLDER.test(name.replace(UNFILLED, "").replace(LEAVING, ""));
  for (const name of readdirSync(pinDirectory).filter(isOurs)) removeFolder(join(pinDirectory, name));
  removeIfEmpty(pinDirectory);
}

/** Another router's pins, or a mount, keep the folder; who was last removed it. */
export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ENOTEMPTY" && code !== "EBUSY" && code !== "ENOENT") throw cause;
  }
}

export function removePin(path: string): void {
  if (existsSync(path)) unlinkSync(path);
}
