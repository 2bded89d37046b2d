import { type Row, row, single } from "./figures.ts";
import type { Traffic } from "./programs.ts";
import { type Hook, makeSubject, measure, type Subject } from "./subject.ts";
import { mapOf, programOf, setClientPort, startFilled, WRAPPINGS } from "./world.ts";

const LOOPBACK = 1;
const XDP = { pass: 2, tx: 3, redirect: 4 } as const;
const TC = { ok: 0, redirect: 7 } as const;

const SMALL: Traffic = { capabilities: 100, flows: 1 };
const SOME: Traffic = { capabilities: 100, flows: 10_000 };
const MANY: Traffic = { capabilities: 100_000, flows: 10_000 };
const MOST: Traffic = { capabilities: 1_000_000, flows: 1_000_000 };

/** The whole pass through BPF_PROG_RUN against floors and the FIB forwarder, all in turn in one process. */
export async function measurePass(rounds: number): Promise<Row[]> {
  const subjects = new Map<string, Subject>();
  const add = async (
    key: string,
    hook: Hook,
    traffic: Traffic,
    program: Parameters<typeof makeSubject>[3],
    returns: readonly number[],
    prepare?: () => void,
  ) => subjects.set(key, await makeSubject(key, hook, traffic, program, returns, prepare));

  await using small = await startFilled("small", { capabilities: 100 });
  await using many = await startFilled("many", { capabilities: 100_000 });
  await using most = await startFilled("most", { capabilities: 1_000_000 });
  /** The pass on a port where it sends by itself, and where it leaves that to the stack. */
  const addPass = async (key: string, { object }: typeof small, traffic: Traffic) => {
    const program = programOf(object, "semr_xdp");
    const sends = (how: Parameters<typeof setClientPort>[2]) => () =>
      setClientPort(mapOf(object, "ports"), LOOPBACK, how);
    await add(key, "xdp", traffic, program, [XDP.redirect], sends("itself"));
    await add(`${key} stack`, "xdp", traffic, program, [XDP.pass], sends("by the stack"));
  };

  await add("prologue", "xdp", SOME, "empty_xdp", [XDP.tx]);
  await add("prologue tc", "tc", SOME, "empty_tc", [TC.ok]);
  await add("room", "xdp", SOME, "room_xdp", [XDP.tx]);
  await addPass("100/1", small, SMALL);
  await add("fib", "xdp", SOME, "fib_xdp", [XDP.redirect]);
  await addPass("100/10k", small, SOME);
  await addPass("100k/10k", many, MANY);
  await addPass("1M/1M", most, MOST);
  await addPass("new", many, { ...MANY, fresh: 1 });
  await using wrapped = new AsyncDisposableStack();
  for (const wrapping of Object.keys(WRAPPINGS) as (keyof typeof WRAPPINGS)[])
    await addPass(
      wrapping,
      wrapped.use(await startFilled(wrapping.replace(" ", "-"), { capabilities: 100, wrapping })),
      SOME,
    );
  await add("fib tc", "tc", SOME, "fib_tc", [TC.redirect]);
  await add("100/10k tc", "tc", SOME, programOf(small.object, "semr_tc"), [TC.redirect]);
  await add("100k/10k tc", "tc", MANY, programOf(many.object, "semr_tc"), [TC.redirect]);

  measure([...subjects.values()], rounds);
  const times = (key: string): readonly number[] => subjects.get(key)!.times;
  /** Round by round: who else is at the processor's core comes and goes, and a round is short. */
  const ratios = (a: string, b: string): number[] => times(a).map((time, round) => time / times(b)[round]!);
  const verified = [...small.object.programs.values()].map(
    ({ name, verifiedInstructions }): Row =>
      single(`${name}: instructions that the verifier looked at`, "", verifiedInstructions, { most: 50_000 }),
  );

  return [
    row("floor: prologue and an empty program", "ns", times("prologue")),
    row("floor: prologue, 40 octets of room, 54 written", "ns", times("room")),
    row("floor: prologue and an empty program, tc", "ns", times("prologue tc")),
    row("FIB forwarder, 1 route, 10 k flows", "ns", times("fib")),
    row("FIB forwarder, tc", "ns", times("fib tc")),
    row("pass, sends by itself: 100 capabilities, 1 flow", "ns", times("100/1"), { most: 100 }),
    row("pass, sends by itself: 100, 10 k flows", "ns", times("100/10k")),
    row("pass, sends by itself: 100 k, 10 k flows", "ns", times("100k/10k"), { most: 150 }),
    row("pass, sends by itself: 1 M, 1 M flows", "ns", times("1M/1M"), { most: 400 }),
    row("  ÷ FIB forwarder, 100, 10 k flows", "", ratios("100/10k", "fib"), { most: 0.45 }),
    row("  every packet a new flow, 100 k", "ns", times("new")),
    row("  new ÷ known flow", "", ratios("new", "100k/10k"), { most: 2 }),
    ...Object.keys(WRAPPINGS).flatMap((wrapping) => [
      row(`pass, sends by itself: 100, 10 k flows, ${wrapping}`, "ns", times(wrapping)),
      row("  ÷ IPv6-in-IPv6", "", ratios(wrapping, "100/10k")),
    ]),
    row("pass, the stack sends: 100 capabilities, 1 flow", "ns", times("100/1 stack"), { most: 100 }),
    row("pass, the stack sends: 100, 10 k flows", "ns", times("100/10k stack")),
    row("pass, the stack sends: 100 k, 10 k flows", "ns", times("100k/10k stack"), { most: 150 }),
    row("pass, the stack sends: 1 M, 1 M flows", "ns", times("1M/1M stack"), { most: 400 }),
    row("  ÷ FIB forwarder, 100, 10 k flows", "", ratios("100/10k stack", "fib"), { most: 0.45 }),
    row("  new ÷ known flow", "", ratios("new stack", "100k/10k stack"), { most: 2 }),
    row("pass, tc: 100, 10 k flows", "ns", times("100/10k tc")),
    row("pass, tc: 100 k, 10 k flows", "ns", times("100k/10k tc")),
    row("  ÷ FIB forwarder of tc, 100, 10 k flows", "", ratios("100/10k tc", "fib tc")),
    ...verified,
  ];
}
