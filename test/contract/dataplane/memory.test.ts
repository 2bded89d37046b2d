import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startMemoryDataplane } from "../../../src/dataplane/index.ts";
import { OPTIONS, SILENT } from "../../dataplane/memory/story.ts";
import { dataplaneContract } from "./suite.ts";

dataplaneContract("memory", async (options = {}) => {
  const dataplane = startMemoryDataplane({ ...OPTIONS, ...options }, { log: SILENT });
  return {
    dataplane,
    fromClient: (frame) => dataplane.process("client0", frame),
    [Symbol.asyncDispose]: () => dataplane[Symbol.asyncDispose](),
  };
});

describe("the memory data plane", () => {
  it("says loudly that it forwards nothing", () => {
    const warnings: string[] = [];
    const log = { ...SILENT, warn: (event: string) => warnings.push(event) };
    const dataplane = startMemoryDataplane(OPTIONS, { log });
    assert.deepEqual(warnings, ["dataplane.memory.not-forwarding"]);
    assert.match(dataplane.limits[0]!, /NO PACKET OF THIS HOST IS FORWARDED/);
    assert.deepEqual(
      dataplane.ports.map(({ hook }) => hook),
      ["none", "none", "none"],
    );
  });
});
