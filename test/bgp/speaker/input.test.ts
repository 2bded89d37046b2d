import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Clock, milliseconds } from "../../../src/base/index.ts";
import type { Connection, ConnectionHandlers } from "../../../src/bgp/speaker/index.ts";
import { Input } from "../../../src/bgp/speaker/input.ts";
import { encodeKeepalive, MessageType, writeHeader } from "../../../src/bgp/wire/index.ts";

/** Time passes only while messages are handled: so long for each. */
function handled(messages: readonly Uint8Array[], cost: number): readonly number[] {
  let now = 0;
  const later: (() => void)[] = [];
  const clock = {
    wall: () => milliseconds(now),
    monotonic: () => milliseconds(now),
    soon: (run: () => void) => later.push(run),
    after: () => assert.fail("nothing is timed"),
  } as unknown as Clock;
  let handlers: ConnectionHandlers | undefined;
  const connection = {
    start: (of: ConnectionHandlers) => {
      handlers = of;
    },
    pause: () => {},
    resume: () => {},
  } as unknown as Connection;
  let inTurn = 0;
  const message = (): void => {
    now += cost;
    inTurn++;
  };
  const input = new Input(
    connection,
    { message, malformed: () => assert.fail(), closed: () => {}, drained: () => {} },
    clock,
  );
  input.allowExtended();
  handlers!.data(Uint8Array.from(Buffer.concat(messages)));
  const turns = [inTurn];
  for (let next = later.shift(); next !== undefined; next = later.shift()) {
    inTurn = 0;
    next();
    turns.push(inTurn);
  }
  while (turns.at(-1) === 0) turns.pop();
  return turns;
}

describe("input in turns", () => {
  it("short messages: the clock is looked at now and then", () => {
    assert.deepEqual(handled(Array.from({ length: 24 }, encodeKeepalive), 1), [8, 8, 8]);
    assert.deepEqual(handled(Array.from({ length: 24 }, encodeKeepalive), 0.1), [24]);
  });

  it("long messages: after each, as each may hold thousands of routes", () => {
    const long = new Uint8Array(60_000);
    writeHeader(new DataView(long.buffer), long.length, MessageType.Update);
    assert.deepEqual(handled([long, long, long], 10), [1, 1, 1]);
  });
});
