import assert from "node:assert/strict";

/** That BIRD's session stands, as it prints it. */
export interface Established {
  readonly line: string;
  /** Milliseconds of its day. */
  readonly at: number;
}

/** What `birdc show protocols` says of its one session, and since when it stands. */
export function establishedIn(printed: string): Established {
  const [line, hours, minutes, rest] =
    /.*\bup +(\d+):(\d+):([\d.]+) +Established/.exec(printed) ?? assert.fail(printed);
  return { line, at: 1000 * (3600 * Number(hours) + 60 * Number(minutes) + Number(rest)) };
}

/** Another session could not stand within a second: BIRD computes the moment anew each time, and milliseconds come and go. */
export function assertSameSession(now: Established, before: Established): void {
  assert.ok(Math.abs(now.at - before.at) < 1000, `BIRD: ${before.line}, then ${now.line}`);
}
