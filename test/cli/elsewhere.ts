/*
 * semrctl in whatever namespace this process is in: reads `{"args", "env", "script"}` a line, and says `{"exitCode", "out", "err"}` for each.
 * One process for many commands, as each of its own would take a tenth of a second. With `hold`: says the number of a configure session
 * with a change in its private candidate, and has it until it is killed.
 */
import { createInterface } from "node:readline";
import { type ClientOptions, fetchReport, send } from "../../src/cli/client.ts";
import { RouterLink } from "../../src/cli/router/connection.ts";
import { targetOf } from "../../src/cli/router/options.ts";
import { semrctl } from "./in-process.ts";

interface Asked {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly script?: string;
}

async function hold(): Promise<void> {
  await using link = new RouterLink(await targetOf({}, process.env));
  const client: ClientOptions = { link, timeoutSeconds: 10 };
  for await (const { octets } of await send(client, { method: "SESSION", path: "/config/session" })) {
    const { session } = JSON.parse(Buffer.from(octets).toString()) as { session: number };
    const body = [{ operation: "merge", path: "/router/telemetry/log-level", text: "warn" }];
    const parameters = { datastore: "private-candidate" };
    await fetchReport({ ...client, session }, { method: "POST", path: "/config/steps", parameters, body });
    console.log(session);
  }
}

if (process.argv[2] === "hold") await hold();
for await (const line of createInterface({ input: process.stdin })) {
  const { args, env, script } = JSON.parse(line) as Asked;
  console.log(JSON.stringify(await semrctl(args, script, env)));
}
