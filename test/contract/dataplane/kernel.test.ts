import { loadNative } from "../../../native/index.ts";
import { PROGRAMS } from "../../../src/dataplane/abi.ts";
import { startKernelDataplane } from "../../../src/dataplane/index.ts";
import { PortTable } from "../../../src/dataplane/kernel/port-table.ts";
import { isolated, OBJECT_PATH } from "../../dataplane/kernel/isolated.ts";
import { OPTIONS, SILENT } from "../../dataplane/memory/story.ts";
import { dataplaneContract } from "./suite.ts";

const LOOPBACK = 1;

await isolated(import.meta.filename, "ip link set lo up", () =>
  dataplaneContract("kernel", async (options = {}) => {
    const native = loadNative();
    const dataplane = await startKernelDataplane(
      { ...OPTIONS, ports: [], ...options },
      { native, log: SILENT, objectPath: OBJECT_PATH },
    );
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
      [Symbol.asyncDispose]: () => dataplane.remove(),
    };
  }),
);
