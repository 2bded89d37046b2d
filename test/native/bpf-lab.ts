import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Bpf, type BpfObject, loadNative } from "../../native/index.ts";

const HERE = import.meta.dirname;

/** Why kernel tests cannot run here, `undefined` when they can. */
export function whyNoBpf(): string | undefined {
  try {
    const { usable, reason } = loadNative().bpf.probe();
    return usable ? undefined : reason;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** Skips the test visibly where BPF may not be used; the addon's `bpf` otherwise. */
export function bpfOrSkip(t: TestContext): Bpf | undefined {
  const reason = whyNoBpf();
  if (reason === undefined) return loadNative().bpf;
  t.skip(`skipped: ${reason}`);
  return undefined;
}

/** A folder that goes when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "st-native-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A bpffs that is unmounted when the test ends. */
export function temporaryBpffs(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "st-native-bpffs-"));
  loadNative().bpf.mountBpffs(folder);
  t.after(() => {
    execFileSync("umount", [folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

const compiled = new Map<string, Promise<string>>();

/** Compiles one of the sources next to this file; once per process. */
export function compile(name: "sample" | "refused"): Promise<string> {
  const earlier = compiled.get(name);
  if (earlier !== undefined) return earlier;
  const output = compileOnce(name);
  compiled.set(name, output);
  return output;
}

async function compileOnce(name: string): Promise<string> {
  const { compileBpf } = await import("../../tools/build-dataplane.mjs");
  const folder = mkdtempSync(join(tmpdir(), "st-native-o-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const output = join(folder, `${name}.bpf.o`);
  await compileBpf(join(HERE, `${name}.bpf.c`), output);
  return output;
}

export async function loadSample(bpf: Bpf, options?: Parameters<Bpf["load"]>[1]): Promise<BpfObject> {
  return bpf.load(await compile("sample"), options);
}

/** A map or program of an object that the test knows to be there. */
export function member<T>(from: ReadonlyMap<string, T>, name: string): T {
  const found = from.get(name);
  assert.ok(found !== undefined, `no ${name} among ${[...from.keys()].join(", ")}`);
  return found;
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

export function u64(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer);
}

export function readU32(octets: Uint8Array, offset = 0): number {
  return new DataView(octets.buffer, octets.byteOffset).getUint32(offset, true);
}

/** How many descriptors this process holds. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** An Ethernet frame of 64 octets. */
export const FRAME = Uint8Array.from({ length: 64 }, (_, i) => (i === 12 ? 0x86 : i === 13 ? 0xdd : i));
