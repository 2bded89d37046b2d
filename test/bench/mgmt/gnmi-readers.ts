// The readers of the bench beside it: PORT CERTIFICATE SUBSCRIBERS. Says "ready", and at the end of its input how late changes were.
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { ChannelCredentials, type ClientDuplexStream, loadPackageDefinition, Metadata } from "@grpc/grpc-js";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import { gnmiPath } from "../../management/gnmi/gnmi-router.ts";

const [, , port, certificate, subscribers] = process.argv;
type Response = { response: string; update: { update: { val: { json_ietf_val: Buffer } }[] } };
type Client = { Subscribe(metadata: Metadata): ClientDuplexStream<object, Response> };

const { gnmi } = loadPackageDefinition(loadProto()) as never as { gnmi: { gNMI: new (...args: unknown[]) => Client } };
const client = new gnmi.gNMI(`localhost:${port}`, ChannelCredentials.createSsl(await readFile(certificate!)));
const metadata = new Metadata();
metadata.set("username", "admin");
metadata.set("password", "bench");

/** When each change was made, and when it came; microseconds. */
const seen: [number, number][] = [];
const path = gnmiPath("/router/ribs/rib/capability-path/subject");
const ready = Array.from({ length: Number(subscribers) }, () => {
  const call = client.Subscribe(metadata);
  const subscription = [{ path, mode: "ON_CHANGE" }];
  call.write({ subscribe: { mode: "STREAM", encoding: "JSON_IETF", updates_only: true, subscription } });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  call.on("error", reject);
  call.on("data", ({ response, update }) => {
    if (response === "sync_response") return resolve();
    const now = Number(process.hrtime.bigint() / 1000n);
    for (const { val } of update.update)
      seen.push([Number(JSON.parse(val.json_ietf_val.toString()).slice("/bench/c".length)), now]);
  });
  return promise;
});
await Promise.all(ready);
console.log("ready");
const warm = Number(await text(process.stdin));
const latencies = seen.filter(([made]) => made > warm).map(([made, came]) => (came - made) / 1000);
latencies.sort((a, b) => a - b);
const at = (share: number): string => (latencies[Math.floor(latencies.length * share)] ?? Number.NaN).toFixed(1);
console.log(`${latencies.length} updates; latency p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
process.exit(0);
