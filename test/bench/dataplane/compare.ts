import { basename } from "node:path";
import { type Row, row } from "./figures.ts";
import { makeSubject, measure, type Subject } from "./subject.ts";
import { mapOf, programOf, setClientPort, startFilled } from "./world.ts";

const LOOPBACK = 1;
const XDP_PASS = 2;
const XDP_REDIRECT = 4;
const CAPABILITIES = 100_000;
const FLOWS = 10_000;

/** Builds of the pass against each other, in turn: what a change gains, what a part costs that was taken out of a copy. */
export async function compareObjects(paths: readonly string[], rounds: number): Promise<Row[]> {
  await using scope = new AsyncDisposableStack();
  const subjects: Subject[] = [];
  const few = { capabilities: 100, flows: FLOWS };
  const many = { capabilities: CAPABILITIES, flows: FLOWS };
  for (const [at, path] of paths.entries())
    for (const traffic of [few, many]) {
      const name = `compare-${at}-${traffic.capabilities}`;
      const dataplane = scope.use(await startFilled(name, traffic, path));
      const program = programOf(dataplane.object, "semr_xdp");
      const text = `${basename(path)}: ${traffic.capabilities}, ${FLOWS}`;
      for (const [how, action] of [
        ["by the stack", XDP_PASS],
        ["itself", XDP_REDIRECT],
      ] as const) {
        const prepare = () => setClientPort(mapOf(dataplane.object, "ports"), LOOPBACK, how);
        subjects.push(await makeSubject(`${text}, sent ${how}`, "xdp", traffic, program, [action, XDP_PASS], prepare));
      }
    }
  measure(subjects, rounds);
  return subjects
    .toSorted((a, b) => a.name.split(": ")[1]!.localeCompare(b.name.split(": ")[1]!))
    .map(({ name, times }) => row(name, "ns", times));
}
