import assert from "node:assert/strict";
import { it } from "node:test";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { Executor } from "../../../lab/fib-executor/executor.ts";
import { loadNative } from "../../../native/index.ts";
import { toHex } from "../../../src/base/index.ts";
import { PROGRAMS } from "../../../src/dataplane/abi.ts";
import {
  type DataplaneDriver,
  DataplaneError,
  startKernelDataplane,
  startMemoryDataplane,
} from "../../../src/dataplane/index.ts";
import { PortTable } from "../../../src/dataplane/kernel/port-table.ts";
import { TcpFlag } from "../../../src/dataplane/memory/packet.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { comparable } from "../../contract/dataplane/expected.ts";
import { sequence } from "../../contract/dataplane/sequence.ts";
import { driven, Listening } from "../fib-service/rig.ts";
import { isolated, OBJECT_PATH } from "../kernel/isolated.ts";
import { ethernet, tcp } from "../memory/frames.ts";
import { CLIENT, OPTIONS, SILENT } from "../memory/story.ts";

const LOOPBACK = 1;
const RUNS = Number(process.env.SEMR_DIFFERENTIAL_RUNS ?? 800) / 40;
const SEED = Number(process.env.SEMR_DIFFERENTIAL_SEED ?? Math.floor(Math.random() * 0x7fffffff));

/** What a driver said of an operation. */
function said(driver: DataplaneDriver, operation: Operation, generation: number): string {
  try {
    driver.apply([operation], generation);
    return "done";
  } catch (cause) {
    assert.ok(cause instanceof DataplaneError, String(cause));
    return cause.message;
  }
}

/** Two sequences that know nothing of each other, one operation of the second after each few of the first: many are not allowed. */
const mixed = fc
  .tuple(sequence, sequence, fc.integer({ min: 1, max: 5 }))
  .map(([one, other, each]) =>
    one.flatMap((operation, i) => (i % each === 0 && other[i / each] ? [operation, other[i / each]!] : [operation])),
  );

/** One that is allowed nowhere. */
const forbidden = fc.constantFrom<Operation>(
  { type: "remove-next-hop", index: 60_000 },
  { type: "remove-group", group: 60_000 },
  { type: "set-next-hop-state", index: 60_000, state: "up" },
);

const operations = fc
  .tuple(mixed, forbidden, fc.nat())
  .map(([all, wrong, at]) => all.toSpliced(at % (all.length + 1), 0, wrong));

/** The session with the executor breaks after so many operations. */
const breaks = fc.array(fc.nat(200), { maxLength: 2 });

await isolated(import.meta.filename, "ip link set lo up", () => {
  it("any operations, allowed or not: memory, kernel and fib-service say the same, hold the same, and send packets the same way", async (t) => {
    t.diagnostic(`seed ${SEED}`);
    let [refused, done, sent] = [0, 0, 0];
    const native = loadNative();
    const property = fc.asyncProperty(operations, breaks, async (sequenceOf, breaksAt) => {
      await using memory = startMemoryDataplane(OPTIONS, { log: SILENT });
      await using kernel = await startKernelDataplane(
        { ...OPTIONS, ports: [] },
        { native, log: SILENT, objectPath: OBJECT_PATH },
      );
      new PortTable(kernel.object.maps.get("ports")!.mmap()).set(LOOPBACK, {
        ...{ role: "client", tenantIndex: 1, direct: false, partial: false },
      });
      const executor = new (class extends Executor {
        breakOff(): void {
          this.session?.call.emit("error", { code: status.UNAVAILABLE, details: "the cable is out" });
        }
      })();
      await using listening = await Listening.start(executor);
      await using service = await driven(listening.port);
      try {
        for (const [i, operation] of sequenceOf.entries()) {
          if (breaksAt.includes(i)) executor.breakOff();
          const [first, ...others] = [memory, kernel, service.driver].map((driver) => said(driver, operation, i + 1));
          for (const other of others) assert.equal(other, first);
          if (first === "done") done++;
          else refused++;
        }
        await service.driver.settled();
        const wanted = comparable(memory.snapshot());
        assert.deepEqual(comparable(kernel.snapshot()), wanted, "kernel");
        assert.deepEqual(comparable(service.driver.snapshot()), wanted, "fib-service, as the router has it");
        const { generation } = memory.snapshot();
        const held = { ...executor.held!.dataplane.snapshot(), generation };
        assert.deepEqual(comparable(held), wanted, "fib-service, as the executor has it");
        assert.equal(service.driver.executor.differences, 0);
        for (const key of memory.snapshot().capabilities.keys())
          for (const sourcePort of [4001, 4002, 4003]) {
            const frame = synTo(key, sourcePort);
            const program = kernel.object.programs.get(PROGRAMS.tc)!;
            const there = destinationOf(native.bpf.testRun(program, frame).packet);
            for (const model of [memory, executor.held!.dataplane])
              assert.equal(destinationOf(model.process("client0", frame).frame), there);
            sent++;
          }
      } finally {
        await kernel.remove();
      }
    });
    await fc.assert(property, { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: 120_000 });
    t.diagnostic(`${done} operations done, ${refused} refused, ${sent} packets`);
    assert.ok(refused >= RUNS && sent > RUNS, "the choices are worth something");
  });
});

function synTo(key: string, sourcePort: number): Uint8Array {
  const destination = Uint8Array.from(Buffer.from(key, "hex"));
  const segment = tcp({ source: CLIENT, destination }, { sourcePort, destinationPort: 80, flags: TcpFlag.Syn });
  return ethernet(segment).fill(0, 0, 6);
}

/** Where the frame goes now; an answer goes back to the client. */
const destinationOf = (frame: Uint8Array): string => toHex(frame.subarray(38, 54));
