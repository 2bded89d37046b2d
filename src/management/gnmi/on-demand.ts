/** What needs gRPC, which is loaded where the configuration has it: other routers start sooner, and are smaller. */
import type { GnmiOptions, GnmiStartParts, RunningGnmi } from "./start.ts";

/** See start.ts. */
export async function startGnmi(options: GnmiOptions, parts: GnmiStartParts): Promise<RunningGnmi> {
  const start = await import("./start.ts");
  return start.startGnmi(options, parts);
}

/** See start.ts. */
export async function checkGnmiCertificate(tls: GnmiOptions["tls"]): Promise<void> {
  const start = await import("./start.ts");
  await start.checkGnmiCertificate(tls);
}
