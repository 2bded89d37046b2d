import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type BpfObject, loadNative } from "../../../native/index.ts";
import { compileBpf } from "../../../tools/build-dataplane.mjs";
import { BUILD } from "./places.ts";
import { DOMAIN, SOURCE, TENANT } from "./world.ts";

const HERE = import.meta.dirname;
const COMPILER = process.env.CLANG ?? "clang";

/** What a prologue or a generator draws. Frames are UDP unless `tcp` says which segments. */
export interface Traffic {
  readonly capabilities: number;
  readonly flows: number;
  /** Share of packets whose flow was never seen, 0 to 1. */
  readonly fresh?: number;
  readonly tcp?: "ack" | "syn";
  /** Destination and source of the Ethernet header. */
  readonly macs?: Uint8Array;
}

let built: Promise<void> | undefined;

/** Compiles the bench's programs into build/bench, once in a process. */
export function buildPrograms(): Promise<void> {
  built ??= compileAll();
  return built;
}

async function compileAll(): Promise<void> {
  mkdirSync(BUILD, { recursive: true });
  for (const name of ["prologue", "frames"])
    await compileBpf(join(HERE, `${name}.bpf.c`), join(BUILD, `${name}.bpf.o`));
  for (const name of ["send-frames", "stream"])
    execFileSync(COMPILER, ["-O2", "-Wall", "-Werror", "-o", join(BUILD, name), join(HERE, `${name}.c`)]);
}

export function loadProgram(
  name: "prologue" | "frames",
  traffic: Traffic,
  constants: Readonly<Record<string, Uint8Array>> = {},
): Promise<BpfObject> {
  return loadNative().bpf.load(join(BUILD, `${name}.bpf.o`), {
    constants: {
      bench_domain: DOMAIN.address.slice(0, 6),
      bench_source: SOURCE.slice(0, 8),
      bench_macs: traffic.macs ?? new Uint8Array(12),
      bench_tenant: Uint8Array.of(TENANT >>> 8, TENANT & 0xff),
      bench_capabilities: hostU32(traffic.capabilities),
      bench_flows: hostU32(traffic.flows),
      bench_protocol: hostU32(traffic.tcp === undefined ? 17 : 6),
      bench_tcp: hostU32(traffic.tcp === "syn" ? 0x5002 : 0x5010),
      bench_new: hostU32(Math.round((traffic.fresh ?? 0) * 65536)),
      ...constants,
    },
  });
}

export function hostU32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
