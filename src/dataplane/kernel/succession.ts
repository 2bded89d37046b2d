import type { BpfObject } from "../../../native/index.ts";
import { type Log, messageOf } from "../../base/index.ts";
import type { DataplaneOptions } from "../driver.ts";
import { DataplaneError } from "../error.ts";
import type { TableSizes } from "../sizes.ts";
import {
  type CarriedOver,
  type CarryParts,
  carryLiveness,
  carryMemory,
  carryOver,
  type Left,
  type Steps,
} from "./carry/index.ts";
import { loadPass } from "./loaded-pass.ts";
import { emptyFolder, nameFilled, type PinFolders, removeOtherLayouts } from "./pins.ts";
import type { KernelNeeds } from "./probe.ts";

/** Longest piece of filling and taking over. */
const SLICE_MS = 3;

export interface SuccessionNeeds extends KernelNeeds {
  readonly log: Log;
}

/**
 * The tables of a pass that takes the place of another, of the same layout or of a former one. Until its programs are on the
 * ports the other one forwards, by its own tables, which nobody touches; tables that are the same in both are one table.
 */
export class Succession {
  readonly #folders: PinFolders;
  readonly #log: Log;
  readonly #carrying: CarryParts | undefined;
  readonly #left: readonly Left[];
  readonly #planLeft: Left | undefined;
  /** Its folder of maps is what a next process goes on with. */
  #isNamed: boolean;
  #isDone = false;

  private constructor(
    folders: PinFolders,
    log: Log,
    carrying: CarryParts | undefined,
    { planLeft, left }: CarriedOver = { planLeft: undefined, left: [] },
  ) {
    this.#folders = folders;
    this.#isNamed = folders.unfilled === undefined;
    this.#log = log;
    this.#carrying = planLeft === undefined ? carrying : undefined;
    this.#planLeft = planLeft;
    this.#left = left;
  }

  /**
   * Loads the pass with the tables of an earlier process, or with new ones that are filled from those of a former layout.
   * @throws {DataplaneError} `dataplane.unsupported-kernel`; `dataplane.not-replaced` where something forwards, which goes on
   */
  static async load(
    options: DataplaneOptions,
    needs: SuccessionNeeds,
    folders: PinFolders,
    sizes: TableSizes,
  ): Promise<readonly [BpfObject, Succession]> {
    const { unfilled, former } = folders;
    const maps = unfilled ?? folders.maps;
    let object: BpfObject | undefined;
    try {
      object = await loadPass(options, needs, { maps, sizes, former });
      const { native, log } = needs;
      const { domain } = options;
      const own = { native, own: object.maps, shared: object.inherited, domain };
      const carrying = former === undefined ? undefined : { ...own, former };
      if (carrying === undefined || unfilled === undefined) return [object, new Succession(folders, log, carrying)];
      const carried = await inSlices(carryOver(carrying));
      if (carried.planLeft !== undefined) {
        // Numbers in what is remembered would mean something else in another plan: nothing is shared
        object[Symbol.dispose]();
        emptyFolder(unfilled);
        object = await loadPass(options, needs, { maps, sizes });
      }
      return [object, new Succession(folders, log, carrying, carried)];
    } catch (cause) {
      object?.[Symbol.dispose]();
      throw former === undefined && unfilled !== undefined ? cause : notReplaced(folders, cause);
    }
  }

  /** Why the programs of before have to go on until the plan is made anew; `undefined`: they need not. */
  get waitsBecause(): string | undefined {
    if (this.#planLeft === undefined || this.#isDone) return undefined;
    const { table, reason } = this.#planLeft;
    return `the program of before forwards, by tables that this one cannot read (${table}: ${reason}), until the plan is whole`;
  }

  /** What an operator should know of how it went. */
  get limits(): readonly string[] {
    if (this.#planLeft !== undefined && this.#isDone)
      return [
        "The layout of the tables became another one that could not be filled from those before: connections to instances here that began before that were reset.",
      ];
    return this.#left.map(
      ({ table, reason }) =>
        `The table ${table} began empty when its layout became another one (${reason})${CONSEQUENCE[table] ?? ""}.`,
    );
  }

  /** Lets `attach` put the programs on the ports, between the last looks at what the former pass remembers. */
  async replace(attach: () => Promise<void>): Promise<void> {
    // It may have been tried before, and some ports may have the programs since
    const inUse = this.#isNamed;
    if (!this.#isNamed) nameFilled(this.#folders);
    this.#isNamed = true;
    // Flows that began since, or became others, and those that begin until the last port is taken
    await inSlices(this.#carryNews({ inUse }));
    await attach();
    await inSlices(this.#carryNews({ inUse: true }));
    this.#isDone = true;
    for (const { table, reason } of this.#left) this.#log.warn("dataplane.table.not-carried", { table, reason });
    for (const name of removeOtherLayouts(this.#folders)) this.#log.info("dataplane.layout.removed", { name });
  }

  /** `inUse`: by programs on some ports, which know better. */
  *#carryNews({ inUse }: { readonly inUse: boolean }): Steps<void> {
    const carrying = this.#carrying;
    if (carrying === undefined) return;
    yield* carryMemory(carrying, { missing: inUse });
    for (const former of this.#folders.older)
      yield* carryMemory({ ...carrying, former, shared: [] }, { missing: true });
    if (!inUse) yield* carryLiveness(carrying);
  }
}

const CONSEQUENCE: Readonly<Record<string, string>> = {
  flows: ": connections to instances here that began before were reset",
  returns: ": connections to instances here that began before may have been reset",
  transitions: ": connections on slots that were moving may have changed the site",
  guests: ": IPv6 clients of IPv4 agents got other addresses",
};

function notReplaced({ former, maps }: PinFolders, cause: unknown): DataplaneError {
  return new DataplaneError(
    { code: "dataplane.not-replaced" },
    `the programs on the ports could not be replaced and go on forwarding, by the tables in ${former ?? maps} (${messageOf(cause)}): ` +
      "make room (memory for a second set of tables, pins on the bpffs) and start again, start the program of before, or take them off with --remove-forwarding",
    { cause },
  );
}

/** Many small steps, some of which are done at a time: the event loop has its turns. */
export async function inSlices<Result>(steps: Generator<unknown, Result>): Promise<Result> {
  let until = performance.now() + SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (step.value instanceof Promise) await step.value;
    else if (performance.now() < until) continue;
    else await laterTurn();
    until = performance.now() + SLICE_MS;
  }
}

/** What comes next is not part of this turn of the event loop. */
export function laterTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
