import { type BpfObject, type BpfProgram, loadNative } from "../../../native/index.ts";
import { hostU32, loadProgram, type Traffic } from "./programs.ts";
import { mapOf, programOf } from "./world.ts";

export type Hook = "xdp" | "tc";

const FRAME = 94;
const REPEAT = 200_000;

/** A program behind a prologue, and the times that the kernel counted for it. */
export interface Subject {
  readonly name: string;
  readonly prologue: BpfObject;
  readonly hook: Hook;
  readonly returns: readonly number[];
  /** Sets up what subjects share; before each measurement. */
  readonly prepare: () => void;
  readonly times: number[];
}

/** Puts `program` behind a prologue of its own. `returns`: what the program must answer, so that nothing else is timed. */
export async function makeSubject(
  name: string,
  hook: Hook,
  traffic: Traffic,
  program: BpfProgram | string,
  returns: readonly number[],
  prepare: () => void = () => {},
): Promise<Subject> {
  const prologue = await loadProgram("prologue", traffic);
  const target = typeof program === "string" ? programOf(prologue, program) : program;
  mapOf(prologue, `${hook}_target`).update(hostU32(0), hostU32(target.fd));
  return { name, prologue, hook, returns, prepare, times: [] };
}

/** Mean nanoseconds of `repeat` runs, each with a flow of its own. */
export function runOnce({ name, prologue, hook, returns, prepare }: Subject, repeat = REPEAT): number {
  prepare();
  const program = programOf(prologue, `prologue_${hook}`);
  const { returnValue, durationNs } = loadNative().bpf.testRun(program, startFrame(), { repeat });
  if (!returns.includes(returnValue)) throw new Error(`${name}: the program returned ${returnValue}, not ${returns}`);
  return durationNs;
}

/** Rounds over all subjects in turn, so that what else the machine does meets all of them; the first warms up. */
export function measure(subjects: readonly Subject[], rounds: number): void {
  for (const subject of subjects) runOnce(subject);
  for (let round = 0; round < rounds; round++) for (const subject of subjects) subject.times.push(runOnce(subject));
}

/** Ethernet type IPv6, so that the kernel's skb of it is one; the prologue writes the rest. */
function startFrame(): Uint8Array {
  const frame = new Uint8Array(FRAME);
  frame.set([0x86, 0xdd, 0x60], 12);
  return frame;
}
