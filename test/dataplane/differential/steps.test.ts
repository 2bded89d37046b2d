import { it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { PROGRAMS } from "../../../src/dataplane/abi.ts";
import { type DataplaneOptions, startKernelDataplane, startMemoryDataplane } from "../../../src/dataplane/index.ts";
import { PortTable } from "../../../src/dataplane/kernel/port-table.ts";
import { DOMAIN, OWN } from "../../forwarding/world.ts";
import { isolated, OBJECT_PATH } from "../kernel/isolated.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { everyStepIsSafe, PORTS } from "./steps.ts";

const PLACE: DataplaneOptions = { ...OPTIONS, domain: DOMAIN, locator: OWN, maxCapabilities: 4096 };
const LOOPBACK = 1;
const NAME = "after each operation of each step every packet meets the plan before it or the one after it";

await isolated(
  import.meta.filename,
  `ip link set lo up
   ip link add core0 type veth peer name core0-peer
   ip link set core0 up
   ip link add foreign0 type veth peer name foreign0-peer
   ip link set foreign0 up`,
  () => {
    it(`model: ${NAME}`, async (t) => {
      const start = async () => {
        const ports = Object.entries(PORTS).map(([name, port]) => ({
          interface: `${name}0`,
          hook: "auto" as const,
          ...port,
        }));
        const dataplane = startMemoryDataplane({ ...PLACE, ports }, { log: SILENT });
        return {
          apply: dataplane.apply.bind(dataplane),
          probe: (port: keyof typeof PORTS, frame: Uint8Array) => {
            const { action, frame: after } = dataplane.process(`${port}0`, frame);
            return action === "forward" ? after : undefined;
          },
          [Symbol.asyncDispose]: () => dataplane[Symbol.asyncDispose](),
        };
      };
      await everyStepIsSafe(start, {
        numRuns: 200,
        say: (text) => t.diagnostic(text),
      });
    });

    for (const hook of ["tc", "xdp"] as const)
      it(`kernel, ${hook}: ${NAME}`, async (t) => {
        const native = loadNative();
        const ifindex = {
          client: LOOPBACK,
          foreign: native.sock.interfaceIndex("foreign0")!,
          core: native.sock.interfaceIndex("core0")!,
        };
        const start = async () => {
          const dataplane = await startKernelDataplane(
            { ...PLACE, ports: [] },
            { native, log: SILENT, objectPath: OBJECT_PATH },
          );
          const ports = new PortTable(dataplane.object.maps.get("ports")!.mmap());
          for (const name of ["client", "foreign", "core"] as const)
            ports.set(ifindex[name], { ...PORTS[name], direct: false, partial: false });
          const program = dataplane.object.programs.get(PROGRAMS[hook])!;
          return {
            apply: dataplane.apply.bind(dataplane),
            probe: (port: keyof typeof PORTS, frame: Uint8Array) =>
              native.bpf.testRun(program, frame, { ifindex: ifindex[port] }).packet,
            [Symbol.asyncDispose]: () => dataplane.remove(),
          };
        };
        await everyStepIsSafe(start, { numRuns: 10, say: (text) => t.diagnostic(text) });
      });
  },
);
