/** A data plane that starts and gets kill -9 before a certain step of it, or before none; says each step before it makes it. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import type { Native } from "../../../native/index.ts";
import type { PortOptions } from "../../../src/dataplane/index.ts";

/** `end`: as "rename 2", the second of that kind. */
const [, , end, ports, maxCapabilities] = process.argv;
const counts = new Map<string, number>();

function step(kind: string): void {
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  fs.writeSync(1, `${kind} ${count}\n`);
  if (`${kind} ${count}` === end) process.kill(process.pid, "SIGKILL");
}

/** Changes of pins. */
for (const name of ["mkdirSync", "renameSync", "unlinkSync", "rmdirSync"] as const) {
  const original = fs[name] as (...parameters: unknown[]) => void;
  Object.assign(fs, {
    [name]: (path: string, ...rest: unknown[]) => {
      if (path.startsWith("/sys/fs/bpf")) step(name.replace("Sync", ""));
      original(path, ...rest);
    },
  });
}
syncBuiltinESMExports();

const watched = <Of extends object>(of: Of, kinds: readonly string[], results: readonly string[] = []): Of =>
  new Proxy(of, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...parameters: unknown[]): unknown => {
        if (kinds.includes(String(name))) step(String(name));
        const result: unknown = Reflect.apply(value, target, parameters);
        return results.includes(String(name)) ? watched(result as object, ["pin", "update", "detach"]) : result;
      };
    },
  });

const { loadNative } = await import("../../../native/index.ts");
const { startKernelDataplane } = await import("../../../src/dataplane/index.ts");
const { OPTIONS, SILENT } = await import("../memory/story.ts");
const { OBJECT_PATH } = await import("./isolated.ts");

const native = loadNative();
const attaching = ["attachXdp", "attachTc"];
const bpf = watched(native.bpf, ["load", ...attaching], [...attaching, "openLink"]);
const parts: { native: Native } = { native: { ...native, bpf } };
await startKernelDataplane(
  { ...OPTIONS, ports: JSON.parse(ports!) as PortOptions[], maxCapabilities: Number(maxCapabilities) },
  { ...parts, log: SILENT, objectPath: OBJECT_PATH },
);
fs.writeSync(1, "started\n");
process.kill(process.pid, "SIGKILL");
