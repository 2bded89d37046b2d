import assert from "node:assert/strict";
import { it } from "node:test";
import { claimName, HostError } from "../../src/host/index.ts";

it("a name is held once, and free again afterwards", async () => {
  const name = `test ${process.pid}`;
  {
    await using _held = await claimName(name, "stop the other one");
    await assert.rejects(claimName(name, "stop the other one"), (error) => {
      assert.ok(error instanceof HostError);
      assert.deepEqual([error.code, error.message], ["host.name-in-use", "stop the other one"]);
      return true;
    });
    await using _other = await claimName(`${name} other`, "");
  }
  await using _again = await claimName(name, "stop the other one");
});
