import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { loadNative } from "../../../native/index.ts";
import { type Row, row, single } from "./figures.ts";
import { LiveFrames } from "./live.ts";
import { NETWORK } from "./network.ts";
import { PIN_ROOT } from "./places.ts";
import { setClientPort, startFilled } from "./world.ts";

const NAME = "restart";
const CAPABILITIES = 1000;
const ENOUGH = 100_000_000;
const DEADLINE_MS = 30_000;

/** Control planes come, adopt, put a new program in the place of the old one and are killed, while frames flow. */
export async function measureRestarts(runs: number): Promise<Row[]> {
  {
    await using _ = await startFilled(NAME, { capabilities: CAPABILITIES });
  }
  using live = await LiveFrames.start(NAME, { capabilities: CAPABILITIES, flows: 10_000 }, false);
  const first = await startProcess(); // its program is what the frames meet first
  sendByItself();
  const sending = live.send(ENOUGH);
  const times: number[] = [];
  let adopted = 0;
  let last = first;
  for (let run = 0; run < runs; run++) {
    await last.kill();
    const begin = performance.now();
    last = await startProcess();
    times.push(performance.now() - begin);
    if (last.adopted) adopted++;
    sendByItself();
  }
  await sending.stop();
  const sent = live.frames("generated");
  const lost = sent - live.frames("first sink", "second sink");
  await last.kill();
  const { bpf, sock } = loadNative();
  bpf.openLink(join(PIN_ROOT, NAME, "links", `xdp-${sock.interfaceIndex(NETWORK.arrival)}`)).detach();
  return [
    single("frames lost", "", lost, { most: 0 }, `of ${sent}, ${runs} times kill -9 and a new program`),
    single("control planes that adopted the tables", "", adopted, { least: runs }),
    row("from a process's start to its program on the port", "ms", times),
  ];
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
