/**
 * One router of the ladder without BGP: the kernel's data plane with a plan from its parent, BFD with its monitor, heartbeats
 * and link events, and a connection in place of each BGP session. Started in its namespace, again after it was killed.
 */
import { loadNative } from "../../../native/index.ts";
import { formatIpv6, milliseconds, parseIpv6 } from "../../../src/base/index.ts";
import { type BfdMonitor, startBfdMonitor } from "../../../src/bfd/index.ts";
import { BEAT_PORT, type KernelDataplane, startKernelDataplane } from "../../../src/dataplane/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { TallyMetrics } from "../../sim/tally-metrics.ts";
import { OBJECT_PATH } from "../kernel/isolated.ts";
import { SILENT } from "../memory/story.ts";
import { ControlSessions } from "./control.ts";
import { type Answer, address, type Command, DOMAIN, HOLD, now, type RouterPart, wait } from "./part.ts";

/** What BFD has agreed on, once both ends have said their intervals; microseconds. */
const AGREED = 35_000;
/** Intervals of BFD and of heartbeats, milliseconds. */
const EACH = 10;

function watch(part: RouterPart, dataplane: KernelDataplane): { monitor: BfdMonitor; sessions: ControlSessions } {
  const { locator, bfd, connects } = part;
  const times = { desiredMinTx: milliseconds(EACH), requiredMinRx: milliseconds(EACH), detectMultiplier: 3 };
  const tunnelTo = (peer: string) => dataplane.tunnelTo(parseIpv6(peer)!);
  const monitor: BfdMonitor = startBfdMonitor(
    bfd.map((peer) => ({ peer, local: locator, multihop: true, ...times })),
    {
      ...{ bfd: loadNative().bfd, clock: systemClock, log: SILENT, metrics: new TallyMetrics() },
      paths: {
        binding: (peer) => (tunnelTo(peer) === undefined ? undefined : dataplane.stateWord(tunnelTo(peer)!)),
        set: (peer, state) => tunnelTo(peer) !== undefined && dataplane.setHealth(tunnelTo(peer)!, state),
      },
      sessions: {
        pathFailed: (peer) => sessions.pathFailed(peer),
        pathRecovered: (peer) => sessions.pathRecovered(peer),
      },
    },
  );
  const sessions = new ControlSessions(locator, connects ? bfd : [], () => monitor);
  return { monitor, sessions };
}

function followLinks({ locator, heartbeats }: RouterPart, dataplane: KernelDataplane, monitor: BfdMonitor): void {
  const paths = loadNative().paths.start({
    change: ({ to, lost }) => {
      if (lost || monitor.status(to)?.pathFailed === true) return; // BFD says when
      dataplane.setHealth(dataplane.tunnelTo(address(to))!, "up");
    },
  });
  const { map, noWay, up, tunnels } = dataplane.tunnelWords!();
  paths.bind({ map, noWay, up, paths: tunnels.map((words) => ({ ...words, to: formatIpv6(words.locator) })) });
  paths.beat({ from: locator, to: heartbeats, port: BEAT_PORT, interval: EACH * 1000, hold: HOLD });
  paths.judge(true);
}

async function main(part: RouterPart): Promise<void> {
  const { locator, ports, pinDirectory, operations, bfd } = part;
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
    { native: loadNative(), log: SILENT, objectPath: OBJECT_PATH },
  );
  if (!dataplane.adopted) dataplane.apply(operations, 1);
  const { monitor } = watch(part, dataplane);
  followLinks(part, dataplane, monitor);
  const deadline = now() + 50_000;
  const isUp = (peer: string): boolean => {
    const { state, detectionTime } = monitor.status(peer)!;
    return state === "Up" && (detectionTime ?? 1e9) <= AGREED;
  };
  while (!part.waitsForBfd.every(isUp)) {
    if (now() > deadline)
      throw new Error(`BFD of ${locator}: ${JSON.stringify(bfd.map((peer) => monitor.status(peer)))}`);
    await wait(10);
  }
  process.on("message", (command: Command) => {
    if (command.type === "apply") dataplane.apply(command.operations, 2);
    if (command.type === "health") for (const [index, state] of command.states) dataplane.setHealth(index, state);
    const answer: Answer = { at: now(), bfd: bfd.map((peer) => monitor.status(peer)!.state) };
    process.send!(answer);
  });
  process.on("disconnect", () => process.exit(0));
  process.send!("ready");
}

process.once("message", (part: RouterPart) => void main(part));
