import { FaultError } from "./base/index.ts";
import { ControlSocketError } from "./management/index.ts";

/** Exit codes, those of sysexits.h: what a service manager or a script can act on. */
export const EXIT = { ok: 0, usage: 64, unavailable: 69, internal: 70, noPermission: 77, configuration: 78 } as const;

/** What the configuration asks for cannot be, though the model allows it. */
const CONFIGURATION =
  /^(telemetry\.not-loopback|bgp\.(bad-address|duplicate-peer|needs-addon)|directory\.|configuration\.)/;

/** The addon or the pass is not of these sources: `BuildMismatch`. */
const NOT_BUILT = /^build\./;

const NO_PERMISSION = /^(EPERM|EACCES)$|\.(no-rights|no-permission)$/;

/** A fault that a part names is about the host or the configuration; anything else is a defect. */
export function exitCodeOf(error: unknown, code: string): number {
  const { errno } = error instanceof FaultError ? (error.fault as { errno?: unknown }) : { errno: undefined };
  if (NO_PERMISSION.test(code) || NO_PERMISSION.test(String(errno))) return EXIT.noPermission;
  if (CONFIGURATION.test(code)) return EXIT.configuration;
  if (NOT_BUILT.test(code) || code === "management.store-unreadable") return EXIT.unavailable;
  const known = error instanceof FaultError || error instanceof ControlSocketError || isSystemError(error);
  return known ? EXIT.unavailable : EXIT.internal;
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
