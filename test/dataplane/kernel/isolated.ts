import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadNative, type Native } from "../../../native/index.ts";

/** The compiled pass. */
export const OBJECT_PATH = fileURLToPath(new URL("../../../build/dataplane/semr.bpf.o", import.meta.url));

const MARK = "SEMR_TEST_ISOLATED";

/** Why the kernel's data plane cannot be tested here, `undefined` when it can. */
export function whyNoKernelDataplane(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  if (!existsSync(OBJECT_PATH)) return "the pass is not compiled: run npm run setup";
  try {
    return loadNative().bpf.probe().reason;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** As a kernel without tcx (before 6.6) has it. */
export function withoutTcx(native: Native): Native {
  const attachTc: Native["bpf"]["attachTc"] = (program, ifindex, _, place, filter) =>
    native.bpf.attachTc(program, ifindex, "clsact", place, filter);
  return { ...native, bpf: Object.assign(Object.create(native.bpf), { attachTc }) };
}

/**
 * Runs the tests that `define` makes in a network namespace and with mounts of its own, which go with the process: no
 * interface, pin or bpffs can be left behind. The process of `file` begins anew inside, so its tests are counted, and
 * say what they skip, like any others.
 *
 * @param setup shell commands to run first, inside.
 * @param whyNot why the host cannot run them, if it cannot.
 */
export function isolated(
  file: string,
  setup: string,
  define: () => void | Promise<void>,
  whyNot: () => string | undefined = whyNoKernelDataplane,
): void | Promise<void> {
  if (process.env[MARK] !== undefined) return define();
  const reason = whyNot();
  if (reason !== undefined) {
    test("in namespaces of its own", { skip: `skipped: ${reason}` }, () => {});
    return;
  }
  beginAnew(["--net", "--mount"], setup, file);
}

/**
 * For a file whose tests make namespaces themselves, and start routers in them that pin their tables below /sys/fs/bpf: they see
 * a bpffs of their own there, which goes with the process. Without root there is none, and nothing changes.
 */
export function inOwnMounts(file: string): void {
  if (process.env[MARK] === undefined && process.getuid?.() === 0) beginAnew(["--mount"], "", file);
}

function beginAnew(namespaces: readonly string[], setup: string, file: string): never {
  // A bpffs of its own also where the host has one, whose pins would be seen in here.
  const script = `[ ! -d /sys/fs/bpf ] || mount -t bpf bpf /sys/fs/bpf\n${setup}\nexec "$0" "$@"`;
  const inside = ["unshare", ...namespaces, "sh", "-ec", script, process.execPath, ...process.execArgv, file];
  return process.execve!("/usr/bin/env", ["env", ...inside], { ...process.env, [MARK]: "1" });
}
