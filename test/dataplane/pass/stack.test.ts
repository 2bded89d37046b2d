import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { PROGRAMS } from "../../../src/dataplane/abi.ts";
import { OBJECT } from "./bench.ts";

const OBJDUMP = process.env.LLVM_OBJDUMP ?? "llvm-objdump";
/** MAX_BPF_STACK: of all functions that call each other, together. */
const MOST = 512;
/** What the verifier takes each function's part to be a multiple of; newer kernels take 16, so they say yes for longer. */
const GRAIN = 32;

interface Chain {
  readonly octets: number;
  readonly functions: readonly string[];
}

/** What a function has of the stack, and whom it calls. */
interface Frame {
  octets: number;
  readonly calls: Set<string>;
}

/** By name. Of each register that holds the frame's end it is known until something else is written there. */
function framesOf(disassembly: string): ReadonlyMap<string, Frame> {
  const frames = new Map<string, Frame>();
  let frame: Frame | undefined;
  const ends = new Set<string>();
  for (const line of disassembly.split("\n")) {
    const name = /^[0-9a-f]+ <(?!LBB)(.+)>:$/.exec(line)?.[1];
    if (name !== undefined) {
      frame = { octets: 0, calls: new Set() };
      frames.set(name, frame);
      ends.clear();
      continue;
    }
    if (frame === undefined) continue;
    const called = /R_BPF_64_32\s+(\S+)/.exec(line)?.[1];
    if (called !== undefined) frame.calls.add(called);
    const direct = /\(r10 - (0x[0-9a-f]+|\d+)\)/.exec(line)?.[1];
    if (direct !== undefined) frame.octets = Math.max(frame.octets, Number(direct));
    const [, register, operator, value] = /\t(r\d) (=|\+=) (\S+)/.exec(line) ?? [];
    if (register === undefined) continue;
    const below = /^-(0x[0-9a-f]+|\d+)$/.exec(value!)?.[1];
    if (operator === "+=" && ends.has(register) && below !== undefined)
      frame.octets = Math.max(frame.octets, Number(below));
    if (operator === "=" && value === "r10") ends.add(register);
    else ends.delete(register);
  }
  return frames;
}

function deepest(frames: ReadonlyMap<string, Frame>, name: string): Chain {
  const frame = frames.get(name);
  assert.ok(frame, `${name} is not in the object`);
  let most: Chain = { octets: 0, functions: [] };
  for (const called of frame.calls) {
    const chain = deepest(frames, called);
    if (chain.octets > most.octets) most = chain;
  }
  const own = Math.max(1, Math.ceil(frame.octets / GRAIN)) * GRAIN;
  return { octets: own + most.octets, functions: [`${name} ${frame.octets}`, ...most.functions] };
}

describe("the pass's stack", () => {
  it("is what every kernel allows, whatever this one does", (t) => {
    const frames = framesOf(execFileSync(OBJDUMP, ["-d", "-r", "--no-show-raw-insn", OBJECT], { encoding: "utf8" }));
    for (const name of Object.values(PROGRAMS)) {
      const { octets, functions } = deepest(frames, name);
      t.diagnostic(`${name}: ${octets} octets of ${MOST}: ${functions.join(" → ")}`);
      assert.ok(functions.length > 1, `${name} calls nobody: is the object read as it is?`);
      assert.ok(octets <= MOST, `${name}: ${octets} octets: ${functions.join(" → ")}`);
    }
  });

  it("is read from accesses and from addresses that are handed on", () => {
    const frames = framesOf(
      [
        "0000000000000000 <outer>:",
        "       0:\t*(u64 *)(r10 - 16) = r1",
        "       1:\tr2 = r10",
        "       2:\tr2 += -40",
        "       3:\tcall -1",
        "\t\t0000000000000018:  R_BPF_64_32\tinner",
        "0000000000000020 <LBB0_1>:",
        "       4:\tr2 = 7",
        "       5:\tr2 += -400",
        "0000000000000028 <inner>:",
        "       5:\tr0 = *(u8 *)(r10 - 0x21)",
      ].join("\n"),
    );
    assert.deepEqual(deepest(frames, "outer"), { octets: 64 + 64, functions: ["outer 40", "inner 33"] });
  });
});
