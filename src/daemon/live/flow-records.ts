import { messageOf, sameValue } from "../../base/index.ts";
import {
  answered,
  fault,
  type Provider,
  type RouterChange,
  type RouterConfiguration,
  refused,
} from "../../management/index.ts";
import { FlowRecords, type FlowRecordsParts } from "../flow-records.ts";
import { RefusedWatch } from "../refused-watch.ts";

const PATH = "/semrd-router:router/semrd-telemetry:telemetry/flow-records";

/** Flow records, where the configuration asks for them, else samples of what is refused. There is one reader of the data plane's events at a time. */
export class FlowRecordsSlot implements AsyncDisposable, Provider<RouterChange> {
  readonly name = "flow records";
  readonly #parts: FlowRecordsParts;
  #records: FlowRecords | undefined;
  /** While nothing is recorded. */
  #refused: RefusedWatch | undefined;

  constructor(parts: FlowRecordsParts) {
    this.#parts = parts;
  }

  /** Refused packets that nobody records are asked for anew. */
  round(): void {
    this.#refused?.round();
  }

  get records(): FlowRecords | undefined {
    return this.#records;
  }

  /** A data plane that tells of no flows does not keep the router from starting. */
  start(configuration: RouterConfiguration): void {
    const why = configuration.telemetry.flowRecords && this.#whyNot();
    if (why !== undefined) this.#parts.log.error("flows.cannot-be-recorded", { reason: why });
    else this.#begin(configuration);
  }

  plan(): ReturnType<Provider<RouterChange>["plan"]> {
    return answered([]);
  }

  prepare({ before, after }: RouterChange): ReturnType<Provider<RouterChange>["prepare"]> {
    const next = after.telemetry.flowRecords;
    if (sameValue(before.telemetry.flowRecords, next)) return answered(undefined);
    const why = next && this.#whyNot();
    if (why !== undefined) return refused(fault("operation-not-supported", why, { path: PATH }));
    return answered({ apply: () => this.#become(after), revert: () => this.#become(before) });
  }

  #whyNot(): string | undefined {
    const { driver } = this.#parts;
    return driver.watchFlows === undefined ? `the ${driver.name} data plane does not tell of flows` : undefined;
  }

  async #become(configuration: RouterConfiguration): Promise<void> {
    await this.#end();
    this.#begin(configuration);
  }

  #begin(configuration: RouterConfiguration): void {
    const options = configuration.telemetry.flowRecords;
    if (this.#whyNot() !== undefined) return;
    if (options === undefined) {
      const { driver, refused: heard } = this.#parts;
      if (heard !== undefined) this.#refused = new RefusedWatch(driver, heard);
      return;
    }
    this.#records = new FlowRecords(configuration, options, this.#parts);
  }

  async #end(): Promise<void> {
    this.#refused?.[Symbol.dispose]();
    this.#refused = undefined;
    const records = this.#records;
    this.#records = undefined;
    try {
      await records?.[Symbol.asyncDispose]();
    } catch (cause) {
      this.#parts.log.error("flows.close-failed", { reason: messageOf(cause) });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }
}
