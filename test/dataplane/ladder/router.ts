/**
 * One router of the ladder without a control plane: the kernel's data plane with a plan from its parent, BFD, heartbeats
 * and link events. Started in its namespace, again after it was killed.
 */
import { loadNative } from "../../../native/index.ts";
import { formatIpv6 } from "../../../src/base/index.ts";
import { BEAT_PORT, startKernelDataplane } from "../../../src/dataplane/index.ts";
import { OBJECT_PATH } from "../kernel/isolated.ts";
import { SILENT } from "../memory/story.ts";
import { type Answer, address, type Command, DOMAIN, now, type RouterPart } from "./part.ts";

async function main(part: RouterPart): Promise<void> {
  const native = loadNative();
  const { locator, ports, pinDirectory, operations, bfd, heartbeats } = part;
  const dataplane = await startKernelDataplane(
    {
      domain: DOMAIN,
      locator: address(locator),
      ports,
      pinDirectory,
      hashSeed: 7,
      tunnelMtu: 1500,
      maxCapabilities: 16,
    },
    { native, log: SILENT, objectPath: OBJECT_PATH },
  );
  if (!dataplane.adopted) dataplane.apply(operations, 1);
  const thread = native.bfd.start({ bound: 64, change: () => {} });
  const sessions = bfd.map((remote) => {
    const session = thread.openSession({
      ...{ local: locator, remote, multihop: true },
      ...{ desiredMinTx: 10_000, requiredMinRx: 10_000, detectMultiplier: 3 },
    });
    const index = dataplane.tunnelTo(address(remote));
    if (index !== undefined) session.bind(dataplane.stateWord(index));
    return session;
  });
  const paths = native.paths.start({
    change: ({ to, lost }) => {
      if (!lost) dataplane.setHealth(dataplane.tunnelTo(address(to))!, "up");
    },
  });
  const { map, down, up, tunnels } = dataplane.tunnelWords!();
  paths.bind({ map, down, up, paths: tunnels.map((words) => ({ ...words, to: formatIpv6(words.locator) })) });
  paths.beat({ from: locator, to: heartbeats, port: BEAT_PORT, interval: 10_000, hold: 40 });
  paths.judge(true);
  const deadline = now() + 20_000;
  while (
    part.waitsForBfd &&
    sessions.some(({ status }) => status.state !== "Up" || (status.detectionTime ?? 1e9) > 35_000)
  ) {
    if (now() > deadline)
      throw new Error(`BFD of ${locator} is not up: ${JSON.stringify(sessions.map((s) => s.status))}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  process.on("message", (command: Command) => {
    if (command.type === "apply") dataplane.apply(command.operations, 2);
    if (command.type === "health") for (const [index, state] of command.states) dataplane.setHealth(index, state);
    const at = now();
    const { verdicts, nextHops } = dataplane.counters();
    const answer: Answer = {
      at,
      bfd: sessions.map(({ status }) => status.state),
      verdicts: Object.fromEntries([...verdicts].map(([name, count]) => [name, Number(count)])),
      nextHops: Object.fromEntries([...nextHops].map(([index, { packets }]) => [index, Number(packets)])),
    };
    process.send!(answer);
  });
  process.on("disconnect", () => process.exit(0));
  process.send!("ready");
}

process.once("message", (part: RouterPart) => void main(part));
