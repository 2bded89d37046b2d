import { loadNative, type Paths as NativePaths, type PathChange, type PathThread } from "../../native/index.ts";
import { formatIpv6, type Log, type Metrics, parseIpv6 } from "../base/index.ts";
import type { BfdMonitor } from "../bfd/index.ts";
import { BEAT_PORT, type DataplaneDriver } from "../dataplane/index.ts";
import {
  answered,
  type LivenessReport,
  type Provider,
  type RouterChange,
  type RouterConfiguration,
} from "../management/index.ts";
import { domainNodes } from "./bgp.ts";

/** What this router tells the others. */
export type Heartbeats = NonNullable<LivenessReport["heartbeats"]>;

export interface PathParts {
  readonly driver: DataplaneDriver;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absent before there is a monitor, and without BGP. */
  readonly bfd: () => BfdMonitor | undefined;
  /** Default: a thread of this process. */
  readonly start?: NativePaths["start"];
}

/**
 * Watches the ways to other routers besides BFD: a link that goes down takes the tunnels with it that have no other way,
 * and heartbeats tell the other routers' data planes that this one lives.
 */
export class Paths implements Disposable {
  readonly #parts: PathParts;
  readonly #thread: PathThread;
  readonly #losses: { add(): void };
  /** When a way was lost that is not back, by router: milliseconds of the monotonic clock. */
  readonly #lostAt = new Map<string, number>();
  #told: Pick<Heartbeats, "intervalMilliseconds" | "multiplier" | "routers"> | undefined;

  constructor(parts: PathParts) {
    this.#parts = parts;
    this.#losses = parts.metrics.counter("semrd_path_losses_total", "Times that the way to another router was lost");
    this.#thread = (parts.start ?? loadNative().paths.start)({ change: (change) => this.#changed(change) });
    this.rebind();
  }

  /** Heartbeats as the configuration wants them; to all routers of the domain. */
  follow(configuration: RouterConfiguration): void {
    const { heartbeat } = configuration.dataplane;
    const to = domainNodes(configuration).map(({ locator }) => formatIpv6(locator));
    if (heartbeat === undefined || this.#parts.driver.tunnelWords === undefined) {
      this.#thread.beat();
      this.#told = undefined;
      return;
    }
    const { interval, multiplier } = heartbeat;
    const from = formatIpv6(configuration.site.locator);
    const { realtime, reason } = this.#thread.priority;
    if (!realtime)
      this.#parts.log.warn("path.no-realtime-priority", {
        reason: reason ?? "not asked for",
        effect: "heartbeats may come late, so that other routers take this one for dead",
        advice: "give semrd CAP_SYS_NICE, or use an interval of 50 ms and more",
      });
    this.#thread.beat({ from, to, port: BEAT_PORT, interval: interval * 1000, hold: interval * multiplier });
    this.#told = { intervalMilliseconds: interval, multiplier, routers: to.length };
  }

  /** `undefined`: none are sent. */
  get heartbeats(): Heartbeats | undefined {
    if (this.#told === undefined) return undefined;
    const { beats, priority } = this.#thread;
    const { sent, sendErrors, late } = beats;
    return { ...this.#told, ...{ sent, sendErrors, late }, realtime: priority.realtime };
  }

  /** Next hops were added or removed: what the words mean has changed. */
  rebind(): void {
    const words = this.#parts.driver.tunnelWords?.();
    if (words === undefined) return;
    const { map, noWay, up, tunnels } = words;
    const paths = tunnels.map(({ locator, state, silentAfter, lost }) => ({
      ...{ to: formatIpv6(locator), state, silentAfter, lost },
    }));
    this.#thread.bind({ map, noWay, up, paths });
    const watched = new Set(paths.map(({ to }) => to));
    for (const to of this.#lostAt.keys()) if (!watched.has(to)) this.#lostAt.delete(to);
  }

  /** Routes and BFD are back: from now on the data plane need not judge by heartbeats, as it did while nobody was there. */
  judge(): void {
    this.#thread.judge(true);
  }

  [Symbol.dispose](): void {
    this.#thread[Symbol.dispose]();
  }

  #changed({ to, lost, stored, at }: PathChange): void {
    const { driver, log, bfd } = this.#parts;
    if (lost) {
      this.#losses.add();
      this.#lostAt.set(to, at);
      log.warn("path.lost", { router: to, stored, reason: "no link leads there that is up" });
      return;
    }
    const lostAt = this.#lostAt.get(to);
    this.#lostAt.delete(to);
    // Whether an earlier process has lost it, and when, nobody knows.
    log.info("path.back", {
      ...{ router: to, stored },
      ...(lostAt === undefined ? {} : { lostMilliseconds: Math.round(at - lostAt) }),
    });
    if (stored) return;
    if (bfd()?.status(to)?.pathFailed === true) return; // BFD says when
    const index = driver.tunnelTo(parseIpv6(to)!);
    if (index !== undefined) driver.setHealth(index, "up");
  }
}

/** Heartbeats come, go and change while the router runs. */
export function pathsProvider(paths: Paths): Provider<RouterChange> {
  return {
    name: "heartbeats",
    plan: () => answered([]),
    prepare({ before, after }) {
      const nodes = ({ nodes, bgp }: RouterConfiguration) => [nodes, bgp?.neighbors] as const;
      const [old, next] = [nodes(before), nodes(after)];
      const same = before.dataplane.heartbeat === after.dataplane.heartbeat && old.every((part, i) => part === next[i]);
      if (same) return answered(undefined);
      return answered({ apply: () => paths.follow(after), revert: () => paths.follow(before) });
    },
  };
}
