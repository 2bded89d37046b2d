import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { loadNative, type Native } from "../../../native/index.ts";
import { DataplaneError, startKernelDataplane } from "../../../src/dataplane/index.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";

/** An addon of a host that says why BPF cannot be used; anything else would be called too early. */
function nativeThatSays(reason: string): Native {
  return { bpf: { probe: () => ({ usable: false, reason, kernel: "4.19.0" }) } } as unknown as Native;
}

describe("a host on which the pass cannot run", () => {
  const CASES = [
    {
      reason: "CAP_PERFMON is missing",
      code: "dataplane.no-rights",
      says: /CAP_PERFMON is missing: run semrd as root/,
    },
    {
      reason: "the kernel refuses an XDP program: EINVAL",
      code: "dataplane.unsupported-kernel",
      says: /kernel 4\.19\.0 .*EINVAL.*Linux 5\.15/,
    },
  ];
  for (const { reason, code, says } of CASES)
    it(`${reason}: ${code}`, async () => {
      const native = nativeThatSays(reason);
      const starting = startKernelDataplane(OPTIONS, { native, log: SILENT, objectPath: "unused" });
      await assert.rejects(starting, (cause: unknown) => {
        assert.ok(cause instanceof DataplaneError);
        assert.equal(cause.code, code);
        assert.match(cause.message, says);
        return true;
      });
    });

  for (const missing of ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN"])
    it(`a process without ${missing} alone is told so, by this kernel`, (t) => {
      const { usable, reason: whyNot } = loadNative().bpf.probe();
      if (process.getuid?.() !== 0 || !usable)
        return t.skip(`skipped: ${whyNot ?? "capabilities are dropped by root"}`);
      // CAP_SYS_ADMIN stands for the first two.
      const without = ["--bounding-set", `-sys_admin,-${missing.slice(4).toLowerCase()}`, process.execPath];
      const start = `
        import { loadNative } from ${JSON.stringify(import.meta.resolve("../../../native/index.ts"))};
        import { startKernelDataplane } from ${JSON.stringify(import.meta.resolve("../../../src/dataplane/index.ts"))};
        import { OPTIONS, SILENT } from ${JSON.stringify(import.meta.resolve("../memory/story.ts"))};
        const parts = { native: loadNative(), log: SILENT, objectPath: "unused" };
        await startKernelDataplane(OPTIONS, parts).catch((cause) => console.log(cause.code, cause.message));
      `;
      const child = spawnSync("setpriv", [...without, "--input-type=module", "--eval", start], { encoding: "utf8" });
      assert.equal(
        child.stdout.trim(),
        `dataplane.no-rights ${missing} is missing: run semrd as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN`,
        child.stderr,
      );
    });
});
