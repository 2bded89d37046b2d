import { after } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { PROGRAMS } from "../../../src/dataplane/abi.ts";
import { type DataplaneOptions, type KernelDataplane, startKernelDataplane } from "../../../src/dataplane/index.ts";
import { PortTable } from "../../../src/dataplane/kernel/port-table.ts";
import { emptying } from "../../dataplane/kernel/emptying.ts";
import { isolated, OBJECT_PATH } from "../../dataplane/kernel/isolated.ts";
import { OPTIONS, SILENT } from "../../dataplane/memory/story.ts";
import { dataplaneContract } from "./suite.ts";

const LOOPBACK = 1;

await isolated(import.meta.filename, "ip link set lo up", () => {
  const native = loadNative();
  const starting = (options: Partial<DataplaneOptions>): Promise<KernelDataplane> =>
    startKernelDataplane({ ...OPTIONS, ports: [], ...options }, { native, log: SILENT, objectPath: OBJECT_PATH });
  // The verifier takes its time: one for all that ask for nothing special, emptied in between
  let shared: KernelDataplane | undefined;
  after(() => shared?.remove());
  dataplaneContract(
    "kernel",
    async (options) => {
      if (options === undefined) shared ??= await starting({});
      const dataplane = options === undefined ? shared! : await starting(options);
      const { maps, programs } = dataplane.object;
      const client = { role: "client", tenantIndex: 1, direct: false, partial: false } as const;
      new PortTable(maps.get("ports")!.mmap()).set(LOOPBACK, client);
      return {
        dataplane,
        fromClient(frame) {
          const before = dataplane.counters().verdicts;
          const { packet } = native.bpf.testRun(programs.get(PROGRAMS.tc)!, frame);
          const counted = dataplane
            .counters()
            .verdicts.entries()
            .filter(([name, count]) => count !== before.get(name));
          return { verdict: [...counted].map(([name]) => name).join("+"), frame: packet };
        },
        async [Symbol.asyncDispose]() {
          if (dataplane === shared) dataplane.apply(emptying(dataplane.snapshot()), 0);
          else await dataplane.remove();
        },
      };
    },
    { runs: 12 },
  );
});
