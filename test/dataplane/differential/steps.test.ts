import { it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { PROGRAMS } from "../../../src/dataplane/abi.ts";
import { type DataplaneOptions, startKernelDataplane, startMemoryDataplane } from "../../../src/dataplane/index.ts";
import { PortTable } from "../../../src/dataplane/kernel/port-table.ts";
import { DOMAIN, OWN } from "../../forwarding/world.ts";
import { isolated, OBJECT_PATH } from "../kernel/isolated.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { everyStepIsSafe } from "./steps.ts";

const PLACE: DataplaneOptions = { ...OPTIONS, domain: DOMAIN, locator: OWN, maxCapabilities: 4096 };
const LOOPBACK = 1;
const NAME = "after each operation of each step every packet meets the plan before it or the one after it";

await isolated(
  import.meta.filename,
  `ip link set lo up
   ip link add core0 type veth peer name core0-peer
   ip link set core0 up`,
  () => {
    it(`model: ${NAME}`, async (t) => {
      const start = async () => {
        const dataplane = startMemoryDataplane(PLACE, { log: SILENT });
        return {
          apply: dataplane.apply.bind(dataplane),
          probe: (port: "client" | "core", frame: Uint8Array) => {
            const { action, frame: after } = dataplane.process(`${port}0`, frame);
            return action === "forward" ? after : undefined;
          },
          [Symbol.asyncDispose]: () => dataplane[Symbol.asyncDispose](),
        };
      };
      await everyStepIsSafe(start, { numRuns: 200, say: (text) => t.diagnostic(text) });
    });

    for (const hook of ["tc", "xdp"] as const)
      it(`kernel, ${hook}: ${NAME}`, async (t) => {
        const native = loadNative();
        const core = native.sock.interfaceIndex("core0")!;
        const start = async () => {
          const dataplane = await startKernelDataplane(
            { ...PLACE, ports: [] },
            { native, log: SILENT, objectPath: OBJECT_PATH },
          );
          const ports = new PortTable(dataplane.object.maps.get("ports")!.mmap());
          ports.set(LOOPBACK, { role: "client", tenantIndex: 1, direct: false, partial: false });
          ports.set(core, { role: "core", tenantIndex: 0, direct: false, partial: false });
          const program = dataplane.object.programs.get(PROGRAMS[hook])!;
          return {
            apply: dataplane.apply.bind(dataplane),
            probe: (port: "client" | "core", frame: Uint8Array) =>
              native.bpf.testRun(program, frame, { ifindex: port === "client" ? LOOPBACK : core }).packet,
            [Symbol.asyncDispose]: () => dataplane.remove(),
          };
        };
        await everyStepIsSafe(start, { numRuns: 10, say: (text) => t.diagnostic(text) });
      });
  },
);
