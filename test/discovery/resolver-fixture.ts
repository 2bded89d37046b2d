// Serves the sample zones on port 53 of ::1 until it is told to end.
import { seconds } from "../../src/base/index.ts";
import { startDnsServer } from "../../src/discovery/index.ts";
import { systemClock } from "../../src/host/index.ts";
import { taxonomy } from "../directory/samples.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";

await startDnsServer(
  { listen: [{ address: "::1", port: 53 }], ttl: seconds(60), nameServer: "r1.example.net" },
  { taxonomy: taxonomy(), clock: systemClock, log: new ListLog(), metrics: new TallyMetrics() },
  new AbortController().signal,
);
console.log("ready");
