// Ends children of this process that take too long, with all that they began: a test that has passed its own limit is told
// as failed, but what it leaves running keeps its file, and so the whole run, for ever.

import { readdirSync, readFileSync } from "node:fs";

/** What an overdue child has begun is asked to end, as a lab that cleans up needs; so long later all is killed. */
const GRACE_MS = Number(process.env.OVERDUE_GRACE_MS ?? 30_000);
const LOOK_EVERY_MS = 1000;

/** The children of each process that can be seen. */
function families() {
  const found = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      found.set(parent, [...(found.get(parent) ?? []), Number(name)]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

/** All processes below one, parents first. */
function below(pid, children) {
  const found = [pid];
  for (const one of found) found.push(...(children.get(one) ?? []));
  return found.slice(1);
}

function signal(name, pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended meanwhile.
    }
  }
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
  } catch {
    return "(ended)";
  }
}

/**
 * Looks at the children of this process every second. What one has begun that is older than `limit` milliseconds gets
 * SIGTERM, and later all of it SIGKILL.
 *
 * @param say gets a text about each such child
 * @returns ends the looking
 */
export function endOverdue(limit, say) {
  const since = new Map();
  const asked = new Map();
  const look = () => {
    const children = families();
    const mine = children.get(process.pid) ?? [];
    for (const pid of since.keys()) if (!mine.includes(pid)) since.delete(pid) && asked.delete(pid);
    for (const pid of mine) {
      if (!since.has(pid)) since.set(pid, performance.now());
      if (performance.now() - since.get(pid) < limit) continue;
      const its = below(pid, children);
      if (!asked.has(pid)) {
        asked.set(pid, performance.now());
        const running = its.map((one) => `\n  ${commandOf(one)}`).join("") || "\n  nothing of its own";
        say(`ended after ${limit / 1000} s: ${commandOf(pid)}\nit had running:${running}`);
        signal("SIGTERM", its);
      } else if (performance.now() - asked.get(pid) > GRACE_MS) {
        signal("SIGKILL", [pid, ...its]);
      }
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
