import { basename } from "node:path";
import { type Row, row } from "./figures.ts";
import { makeSubject, measure, type Subject } from "./subject.ts";
import { mapOf, programOf, setClientPort, startFilled } from "./world.ts";

const LOOPBACK = 1;
const XDP_PASS = 2;
const XDP_REDIRECT = 4;
const CAPABILITIES = 100_000;
const FLOWS = 10_000;

export interface MeasuredObject {
  readonly object: number;
  readonly capabilities: number;
  readonly how: "by the stack" | "itself";
  readonly times: readonly number[];
}

/** Builds of the pass in turn, with few capabilities and with many, sent by the stack and by themselves. */
export async function measureObjects(
  paths: readonly string[],
  rounds: number,
  hows: readonly MeasuredObject["how"][] = ["by the stack", "itself"],
): Promise<MeasuredObject[]> {
  await using scope = new AsyncDisposableStack();
  const measured: (MeasuredObject & { readonly subject: Subject })[] = [];
  for (const [object, path] of paths.entries())
    for (const capabilities of [100, CAPABILITIES]) {
      const traffic = { capabilities, flows: FLOWS };
      const dataplane = scope.use(await startFilled(`compare-${object}-${capabilities}`, traffic, path));
      const program = programOf(dataplane.object, "semr_xdp");
      for (const how of hows) {
        const action = how === "itself" ? XDP_REDIRECT : XDP_PASS;
        const prepare = () => setClientPort(mapOf(dataplane.object, "ports"), LOOPBACK, how);
        const name = `${basename(path)}: ${capabilities}, sent ${how}`;
        const subject = await makeSubject(name, "xdp", traffic, program, [action, XDP_PASS], prepare);
        measured.push({ object, capabilities, how, subject, times: subject.times });
      }
    }
  measure(
    measured.map(({ subject }) => subject),
    rounds,
  );
  return measured;
}

/** Builds of the pass against each other: what a change gains. */
export async function compareObjects(paths: readonly string[], rounds: number): Promise<Row[]> {
  const measured = await measureObjects(paths, rounds);
  const text = ({ capabilities, how }: MeasuredObject) => `${capabilities}, ${FLOWS}, sent ${how}`;
  return measured
    .toSorted((a, b) => text(a).localeCompare(text(b)))
    .map((one) => row(`${basename(paths[one.object]!)}: ${text(one)}`, "ns", one.times));
}
