/** All benches of management, one after the other: `node test/bench/mgmt/bars.ts`. Each prints its own table with the bars. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const BENCHES = [
  ["The datastores alone", "main.ts"],
  ["Over NETCONF", "netconf.ts"],
  ["Over gNMI", "gnmi.ts"],
  ["Access control", "access.ts"],
] as const;

for (const [title, file] of BENCHES) {
  console.log(`\n## ${title} (${file})\n`);
  const script = fileURLToPath(new URL(file, import.meta.url));
  const [code] = await once(spawn(process.execPath, [script], { stdio: "inherit" }), "exit");
  if (code !== 0) process.exitCode = 1;
}
