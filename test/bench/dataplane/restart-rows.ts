import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadNative } from "../../../native/index.ts";
import { type Row, row, single } from "./figures.ts";
import { LiveFrames } from "./live.ts";
import { NETWORK } from "./network.ts";
import { PIN_ROOT } from "./places.ts";
import { setClientPort, startFilled } from "./world.ts";

const NAME = "restart";
const CAPABILITIES = 1000;
/** More turns than there can be: those in which nothing may be sent count. */
const ENOUGH = 1e12;
/** That many frames, with a restart as often as there can be one. */
const FRAMES = 10_000_000;
/** If there are so many by then. */
const LONGEST_MS = 60_000;
const DEADLINE_MS = 30_000;

/** Control planes come, adopt, put a new program in the place of the old one and are killed, while frames flow. */
export async function measureRestarts(runs: number): Promise<Row[]> {
  {
    await using _ = await startFilled(NAME, { capabilities: CAPABILITIES });
  }
  using live = await LiveFrames.start(NAME, { capabilities: CAPABILITIES, flows: 10_000 }, { paced: true });
  const first = await startProcess(); // its program is what the frames meet first
  sendByItself();
  const queues = refusedByQueues();
  const sending = live.send(ENOUGH);
  const times: number[] = [];
  let adopted = 0;
  let last = first;
  const started = performance.now();
  const isEnough = () => live.frames("generated") >= FRAMES || performance.now() - started > LONGEST_MS;
  while (times.length < runs || !isEnough()) {
    await last.kill();
    const begin = performance.now();
    last = await startProcess();
    times.push(performance.now() - begin);
    if (last.adopted) adopted++;
    sendByItself();
  }
  await sending.stop();
  await live.drained();
  const sent = live.frames("generated");
  const lost = sent - live.frames("first sink", "second sink");
  const after = refusedByQueues();
  const [before, behind] = [after.arrival - queues.arrival, after.links - queues.links];
  await last.kill();
  const { bpf, sock } = loadNative();
  bpf.openLink(join(PIN_ROOT, NAME, "links", `xdp-${sock.interfaceIndex(NETWORK.arrival)}`)).detach();
  return [
    single("frames lost", "", lost, { most: 0 }, `of ${sent}, ${times.length} times kill -9 and a new program`),
    single(
      "of them by a queue of a veth",
      "",
      before + behind,
      undefined,
      `${before} in front of the router, ${behind} behind it`,
    ),
    single("control planes that adopted the tables", "", adopted, { least: times.length }),
    row("from a process's start to its program on the port", "ms", times),
  ];
}

/** Frames that the queues of the veths have not taken since they were made. */
function refusedByQueues(): { readonly arrival: number; readonly links: number } {
  const rows = readFileSync("/proc/net/dev", "latin1").matchAll(/^ *(\S+): *(.+)$/gm);
  const counters = new Map(Array.from(rows, ([, name, numbers]) => [name!, numbers!.split(/ +/).map(Number)]));
  const [RECEIVE_DROP, TRANSMIT_DROP] = [3, 11];
  const of = (name: string, column: number): number => counters.get(name)![column]!;
  return {
    arrival: of(NETWORK.arrival, RECEIVE_DROP),
    links: NETWORK.links.reduce((sum, link) => sum + of(link, TRANSMIT_DROP), 0),
  };
}

async function startProcess() {
  const words = [join(import.meta.dirname, "restart-process.ts"), NAME, `${CAPABILITIES}`];
  const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "inherit"] });
  const [text] = (await once(child.stdout, "data", { signal: AbortSignal.timeout(DEADLINE_MS) })) as [Buffer];
  const { adopted } = JSON.parse(text.toString()) as { adopted: boolean };
  return {
    adopted,
    kill: async () => {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    },
  };
}

/** On veth the driver leaves sending to the stack; live frames carry no unfinished checksums, so here it need not. */
function sendByItself(): void {
  const { bpf, sock } = loadNative();
  const folder = join(PIN_ROOT, NAME);
  const layout = readdirSync(folder).find((name) => name.startsWith("v"));
  using ports = bpf.openMap(join(folder, layout!, "ports"));
  setClientPort(ports, sock.interfaceIndex(NETWORK.arrival)!, "itself");
}
