import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmdirSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Bpf } from "../../../native/index.ts";
import { messageOf, toHex } from "../../base/index.ts";
import { ABI_VERSION, MAPS, VERDICTS } from "../abi.ts";
import type { DataplaneOptions } from "../driver.ts";
import { DataplaneError } from "../error.ts";
import type { TableSizes } from "../sizes.ts";

const LAYOUT_FOLDER = /^v\d+-[0-9a-f]+$/;

/** Where the pins are: `maps/` by layout, `links/` by hook and interface. Names have no dot: a bpffs reserves it. */
export interface PinFolders {
  /** `<pinDirectory>/v<N>-<hash>`: the maps of one layout, domain and router. */
  readonly maps: string;
  /** `<pinDirectory>/links`: they outlive a change of layout, so that the program is replaced without a gap. */
  readonly links: string;
  /** `maps` holds nothing of an earlier process. */
  readonly isNew: boolean;
  /** Why pins do not outlive this process's surroundings, `undefined` when they do. */
  readonly limit: string | undefined;
}

/**
 * Makes the folders, on a bpffs that is mounted if need be.
 * @throws {DataplaneError} `dataplane.no-rights`
 */
export function preparePins(bpf: Bpf, options: DataplaneOptions, sizes: TableSizes): PinFolders {
  const { pinDirectory } = options;
  try {
    const limit = mountBelow(bpf, pinDirectory);
    const maps = join(pinDirectory, layoutName(options, sizes));
    const links = join(pinDirectory, "links");
    makeFolder(links);
    if (existsSync(maps) && readdirSync(maps).length < Object.keys(MAPS).length) removeFolder(maps); // half made or half removed
    const isNew = !existsSync(maps) || readdirSync(maps).length === 0;
    makeFolder(maps);
    return { maps, links, isNew, limit };
  } catch (cause) {
    throw unusablePins(pinDirectory, messageOf(cause), cause);
  }
}

export function unusablePins(pinDirectory: string, reason: string, cause: unknown): DataplaneError {
  return new DataplaneError(
    { code: "dataplane.no-rights" },
    `the pin folder ${pinDirectory} cannot be used (${reason}): it must be on a bpffs, or mounting one there must be allowed`,
    { cause },
  );
}

/** Everything that makes maps unusable for another program is in the name, so that it never meets them. */
function layoutName({ domain, locator, hashSeed }: DataplaneOptions, sizes: TableSizes): string {
  const verdicts = VERDICTS.length; // entries of a map, too
  const layout = { MAPS, sizes, verdicts, domain: toHex(domain.address), locator: toHex(locator), hashSeed };
  const hash = createHash("sha256").update(JSON.stringify(layout)).digest("hex");
  return `v${ABI_VERSION}-${hash.slice(0, 12)}`;
}

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
  const others = readdirSync(parent).filter((name) => LAYOUT_FOLDER.test(name) && join(parent, name) !== folders.maps);
  for (const name of others) removeFolder(join(parent, name));
  return others;
}

/** Removes a folder of pins (no folders in it). */
export function removeFolder(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) unlinkSync(join(folder, name));
  rmdirSync(folder);
}

export function removePin(path: string): void {
  if (existsSync(path)) unlinkSync(path);
}
