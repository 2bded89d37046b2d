// The control plane as a library: brings up a BGP session and prints the IPv6 routes that the neighbour tells.
//
//   npm run build
//   node lab/library/print-routes.mjs <own address> <own AS> <neighbour> <neighbour's AS> [port]
import { formatIpv6, parseIpv6, seconds } from "semrd/base";
import { createNetTransport, startSpeaker } from "semrd/bgp";
import { systemClock as clock, openLog, systemRandom as random } from "semrd/host";
import { createRib } from "semrd/rib";
import { createMetrics } from "semrd/telemetry";

const [own, ownAs, neighbour, remoteAs, port = "179"] = process.argv.slice(2);
const log = openLog({ level: "warn", descriptor: 2 });
const parts = { clock, random, log, metrics: createMetrics() };
const local = { name: "printer", kind: "local", bgpIdentifier: 0xc0000201, address: parseIpv6(own) };
const rib = createRib({ local: { ...local, autonomousSystem: Number(ownAs) }, tenants: [], maxRoutes: 1 << 20 }, parts);
const peer = { address: neighbour, port: Number(port), remoteAs: Number(remoteAs), passive: false, updateSource: own };
const times = { holdTime: seconds(90), connectRetry: seconds(1) };
const stop = new AbortController();
const speaker = await startSpeaker(
  {
    ...{ localAs: Number(ownAs), bgpIdentifier: local.bgpIdentifier, nextHop: local.address, listen: [] },
    peers: [{ ...peer, ...times, families: [{ family: "ipv6-unicast" }] }],
    ...{ gracefulRestart: undefined, start: { restarted: false, forwardingPreserved: false }, acceptExternal: true },
  },
  { ...parts, rib, transport: createNetTransport({ clock }) },
  stop.signal,
);
speaker.localStateConverged();
process.once("SIGTERM", () => stop.abort());

while (!speaker.peers()[0].perFamily[0]?.endOfRibReceived && !stop.signal.aborted) {
  await new Promise((resolve) => clock.after(100, resolve));
}
for (const { address, length, nextHop } of rib.unicast("ipv6-unicast").rowsOf({})) {
  console.log(`${formatIpv6(address)}/${length} via ${formatIpv6(nextHop)}`);
}
await speaker.stop({ restart: false, text: "printed" });
rib[Symbol.dispose]();
