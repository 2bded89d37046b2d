import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Native } from "../../../native/index.ts";
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
});
