/**
 * The reference executor as a process of its own: `main.ts --listen [::1]:9560`, with `--certificate`, `--key` and `--client-ca` for TLS with
 * both ends known. Prints the address that it listens on. With an IPC channel it also takes `{ port, frame }` and answers with
 * what the model made of it: how the behavioural suite puts packets in; and `{ next_hop, unreachable, reason }`, which it reports.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { fromHex, toHex } from "../../src/base/index.ts";
import { Executor } from "./executor.ts";

const { values } = parseArgs({
  options: {
    listen: { type: "string", default: "[::1]:9560" },
    certificate: { type: "string" },
    key: { type: "string" },
    "client-ca": { type: "string" },
  },
});
const { listen, certificate, key, "client-ca": clientCa } = values;
const pair = certificate !== undefined && key !== undefined;
const credentials = pair
  ? ServerCredentials.createSsl(
      clientCa === undefined ? null : readFileSync(clientCa),
      [{ cert_chain: readFileSync(certificate), private_key: readFileSync(key) }],
      clientCa !== undefined,
    )
  : ServerCredentials.createInsecure();
const executor = new Executor();
const server = new Server();
server.addService(executor.service, executor.implementation);
server.bindAsync(listen, credentials, (cause, port) => {
  if (cause !== null) throw cause;
  console.log(`listening on ${listen.slice(0, listen.lastIndexOf(":"))}:${port}`);
  process.send?.({ listening: port });
});
type Told = { port: string; frame: string } | { next_hop: number; unreachable: boolean; reason: string };
process.on("message", (told: Told) => {
  if ("next_hop" in told) {
    executor.report(told.next_hop, told.unreachable, told.reason);
    return;
  }
  const { port, frame } = told;
  const outcome = executor.held!.dataplane.process(port, fromHex(frame));
  process.send!({ action: outcome.action, frame: toHex(outcome.frame) });
});
process.on("disconnect", () => process.exit(0));
