import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type Native, requirePassObject } from "../../../native/index.ts";
import { messageOf } from "../../base/index.ts";
import { DataplaneError } from "../error.ts";
import { unusablePins } from "./pins.ts";

/** What the kernel data plane cannot do without. */
export interface KernelNeeds {
  readonly native: Native;
  /** The compiled pass, `build/dataplane/semr.bpf.o`. */
  readonly objectPath: string;
}

/**
 * @throws {DataplaneError} `dataplane.no-rights`, `dataplane.unsupported-kernel`
 * @throws {BuildMismatch} where the pass is missing or of other sources than those beside it
 */
export function requirePass({ native, objectPath }: KernelNeeds): void {
  const { usable, reason, kernel } = native.bpf.probe();
  if (!usable) {
    const lacksRights = reason?.startsWith("CAP_") === true;
    throw new DataplaneError(
      { code: lacksRights ? "dataplane.no-rights" : "dataplane.unsupported-kernel" },
      lacksRights
        ? `${reason}: run semrd as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN`
        : `kernel ${kernel} cannot run the pass (${reason}): Linux 5.15 or newer with BPF is needed`,
    );
  }
  requirePassObject(objectPath);
}

/**
 * Looks whether the kernel data plane could be started with its pins in `pinDirectory`; makes nothing.
 * @throws {DataplaneError} `dataplane.no-rights`, `dataplane.unsupported-kernel`
 */
export function probeKernel(pinDirectory: string, needs: KernelNeeds): void {
  requirePass(needs);
  let deepest = pinDirectory;
  while (!existsSync(deepest)) deepest = dirname(deepest);
  try {
    if (!statSync(deepest).isDirectory()) throw new Error(`${deepest} is no folder`);
    // Below a sysfs a bpffs is mounted first
    if (!deepest.startsWith("/sys/fs")) accessSync(deepest, constants.W_OK);
  } catch (cause) {
    throw unusablePins(pinDirectory, messageOf(cause), cause);
  }
}
