/** What a test's body inside a namespace works with. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type BpfMap, loadNative } from "../../native/index.ts";
import { readU32, u32 } from "./bpf-lab.ts";

export { execFileSync } from "node:child_process";
export { existsSync } from "node:fs";
export { loadSample, member, openDescriptors, readU32, u32 } from "./bpf-lab.ts";
export const { bfd, bpf, paths, sock } = loadNative();
export { BfdEnd } from "./bfd-end.ts";
export { BfdPeer, decode, encode } from "./bfd-peer.ts";

export function indexOf(name: string): number {
  const index = sock.interfaceIndex(name);
  assert.ok(index !== undefined, `there is no ${name}`);
  return index;
}

/** Milliseconds of CLOCK_MONOTONIC, as the addon's threads count them. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * Keeps JavaScript from its event loop until something is so, and leaves the processor to the kernel's own threads, one of which tells
 * of a link's carrier. Bounded.
 */
export function blockUntil(what: string, holds: () => boolean): void {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    assert.ok(performance.now() < deadline, what);
    Atomics.wait(word, 0, 0, 1);
  }
}

/** Sends frames out of `device` until a counter of the map `shared` moves; bounded. */
export async function sendUntilCounted(device: string, shared: BpfMap, counter: number): Promise<void> {
  const socket = createSocket("udp6");
  socket.bind();
  await once(socket, "listening");
  socket.setMulticastInterface(`::%${device}`);
  const count = () => readU32(shared.lookup(u32(counter))!);
  const before = count();
  const deadline = performance.now() + 20_000;
  while (count() === before) {
    assert.ok(performance.now() < deadline, `nothing was counted of what ${device} sent`);
    await new Promise((resolve) => socket.send("semrd", 9, `ff02::1%${device}`, resolve));
  }
  socket.close();
}
