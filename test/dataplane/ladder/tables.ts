import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type BpfMap, loadNative } from "../../../native/index.ts";
import { NEXT_HOP, NEXT_HOP_COUNTERS, STATE, VERDICTS } from "../../../src/dataplane/abi.ts";
import type { LOCATOR } from "./part.ts";
import { HOP } from "./plans.ts";

type RouterName = keyof typeof LOCATOR;

const { bpf } = loadNative();
const PLACES = 1 + Math.max(...Object.values(HOP));
const PACKETS = NEXT_HOP_COUNTERS.offsets.packets / 8;
const WORDS = NEXT_HOP_COUNTERS.size / 8;

export interface Counts {
  readonly verdicts: Readonly<Record<string, number>>;
  /** Packets by next hop. */
  readonly nextHops: readonly number[];
}

/** What a router's pass counts and holds, in the maps that are pinned: its process need not be there. */
export class PassTables {
  readonly #verdicts: BpfMap;
  readonly #counters: BpfMap;
  readonly #nextHops: Uint8Array;

  constructor(pinDirectory: string) {
    const [layout, ...more] = readdirSync(pinDirectory).filter((name) => /^v\d/.test(name));
    if (layout === undefined || more.length > 0)
      throw new Error(`${pinDirectory} has not one layout: ${layout} ${more}`);
    const open = (name: string): BpfMap => bpf.openMap(join(pinDirectory, layout, name));
    this.#verdicts = open("verdicts");
    this.#counters = open("next_hop_counters");
    this.#nextHops = open("next_hops").mmap();
  }

  counts(): Counts {
    const verdicts = this.#verdicts.sums(0, VERDICTS.length);
    const nextHops = this.#counters.sums(0, PLACES);
    return {
      verdicts: Object.fromEntries(VERDICTS.map((name, i) => [name, Number(verdicts[i])])),
      nextHops: Array.from({ length: PLACES }, (_, index) => Number(nextHops[index * WORDS + PACKETS])),
    };
  }

  /** Whether packets are given to a tunnel, as far as its state word says. */
  isUp(hop: number): boolean {
    return this.#word(hop, NEXT_HOP.offsets.state) === STATE.up;
  }

  /**
   * For how many more of the kernel's ticks heartbeats vouch for a tunnel: below 0 it is silent. In the clock of the pass itself,
   * so that a busy machine which is late with its ticks is late with both.
   */
  vouchedFor(hop: number): number {
    const silentAfter = this.#word(hop, NEXT_HOP.offsets.silent_after);
    // read first: of a heartbeat that comes now no more than its time is left
    const [, jiffies] = /^jiffies: (\d+)$/m.exec(readFileSync("/proc/timer_list", "latin1"))!;
    return (silentAfter - Number(BigInt.asUintN(32, BigInt(jiffies!)))) | 0;
  }

  #word(hop: number, offset: number): number {
    const { buffer, byteOffset } = this.#nextHops;
    return new DataView(buffer, byteOffset).getUint32(hop * NEXT_HOP.size + offset, true);
  }
}

/** As many ticks as a hold of so many milliseconds can last. */
export const ticksOf = (ms: number): number => Math.ceil((ms * 1e6) / bpf.tickNanoseconds());

/** What was counted between two readings of all routers: verdicts, and what the ingresses gave to the tunnels. */
export function difference(before: ReadonlyMap<RouterName, Counts>, after: ReadonlyMap<RouterName, Counts>) {
  const moved = (name: RouterName): Record<string, number> => {
    const [old, next] = [before.get(name)!, after.get(name)!];
    const entries = Object.entries(next.verdicts).map(([verdict, count]) => [verdict, count - old.verdicts[verdict]!]);
    return Object.fromEntries(entries.filter(([, count]) => count !== 0));
  };
  const given = (index: number): number =>
    (["i1", "i2"] as const).reduce(
      (sum, name) => sum + after.get(name)!.nextHops[index]! - before.get(name)!.nextHops[index]!,
      0,
    );
  return {
    verdicts: Object.fromEntries([...after.keys()].map((name) => [name, moved(name)])) as Record<
      RouterName,
      Readonly<Record<string, number>>
    >,
    tunnelled: { e1: given(HOP.e1), e2: given(HOP.e2) },
  };
}
