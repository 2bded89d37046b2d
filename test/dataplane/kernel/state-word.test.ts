import assert from "node:assert/strict";
import { it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { startKernelDataplane, startMemoryDataplane } from "../../../src/dataplane/index.ts";
import { INSTANCE, LOCAL, OPTIONS, OTHER_LOCATOR, SILENT, TUNNEL } from "../memory/story.ts";
import { isolated, OBJECT_PATH } from "./isolated.ts";

const ELSEWHERE = OTHER_LOCATOR.with(15, 0xee);

it("memory: a tunnel is found by its end, and its state is no word", () => {
  const dataplane = startMemoryDataplane({ ...OPTIONS, ports: [] }, { log: SILENT });
  dataplane.apply([LOCAL, INSTANCE, TUNNEL], 1);
  const index = dataplane.tunnelTo(OTHER_LOCATOR);
  assert.equal(index, TUNNEL.type === "set-next-hop" ? TUNNEL.index : undefined);
  assert.equal(dataplane.stateWord(index!), undefined);
  assert.equal(dataplane.tunnelTo(ELSEWHERE), undefined);
});

isolated(import.meta.filename, "ip link set lo up; mount -t tmpfs st-bfd /mnt", () => {
  it("kernel: the word is what setHealth writes, and what the snapshot reads", async () => {
    const options = { ...OPTIONS, ports: [], pinDirectory: "/mnt/semrd" };
    const native = loadNative();
    await using dataplane = await startKernelDataplane(options, { native, log: SILENT, objectPath: OBJECT_PATH });
    dataplane.apply([LOCAL, INSTANCE, TUNNEL], 1);
    const index = dataplane.tunnelTo(OTHER_LOCATOR);
    assert.ok(index !== undefined);
    assert.equal(dataplane.tunnelTo(ELSEWHERE), undefined);
    const word = dataplane.stateWord(index);
    assert.ok(word !== undefined);
    const memory = word.map.mmap();
    const view = new DataView(memory.buffer, memory.byteOffset);
    dataplane.setHealth(index, "down");
    assert.equal(view.getUint32(word.offset, true), word.down);
    dataplane.setHealth(index, "up");
    assert.equal(view.getUint32(word.offset, true), word.up);
    view.setUint32(word.offset, word.down, true);
    assert.equal(dataplane.snapshot().nextHops.get(index)?.state, "down");
    await dataplane.remove();
  });
});
