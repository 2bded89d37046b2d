import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadNative } from "../../../native/index.ts";

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

/**
 * Runs the tests that `define` makes in a process with a network namespace and mounts of its own, which go with it: no
 * interface, pin or bpffs can be left behind. Outside there is one test, which runs `file` and shows its output.
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
  test("in namespaces of its own", (t) => {
    const reason = whyNot();
    if (reason !== undefined) {
      t.skip(`skipped: ${reason}`);
      return;
    }
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    // A bpffs of its own also where the host has one, whose pins would be seen in here.
    const script = `[ ! -d /sys/fs/bpf ] || mount -t bpf bpf /sys/fs/bpf\n${setup}\nexec "$0" --test-reporter=spec "$1"`;
    const run = spawnSync("unshare", ["--net", "--mount", "sh", "-ec", script, process.execPath, file], {
      encoding: "utf8",
      env: { ...env, [MARK]: "1" },
      timeout: 240_000,
    });
    for (const line of run.stdout.trimEnd().split("\n")) t.diagnostic(line);
    if (run.status !== 0) throw new Error(`inside:\n${run.stdout}\n${run.stderr}`);
  });
}
