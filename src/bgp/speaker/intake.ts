import type { Log, Seconds } from "../../base/index.ts";
import type { RouteFamily } from "../../rib/index.ts";
import type { Agreement } from "../session/index.ts";
import {
  type AttributeCodec,
  type Family,
  HEADER_LENGTH,
  type NlriBatch,
  type NotificationMessage,
  UpdateDecoder,
  type UpdateOutcome,
} from "../wire/index.ts";
import { addPathOf } from "./add-path.ts";
import type { FamilyIntake } from "./family-intake.ts";
import type { PeerCounters } from "./metrics.ts";
import type { PeerObserver } from "./observer.ts";

export interface IntakeParts {
  readonly codec: AttributeCodec;
  readonly agreed: Agreement;
  /** Of this router. */
  readonly localAs: number;
  /** Of the families that were agreed and carry routes. */
  readonly families: readonly FamilyIntake[];
  /** Address of the neighbour. */
  readonly peer: string;
  readonly counters: PeerCounters;
  readonly log: Log;
  readonly observer: PeerObserver | undefined;
}

/** Routes that are taken at a time where a message holds more: well under a millisecond, unless policy asks each of them a lot. */
const ROUTES_AT_ONCE = 512;

export type IntakeResult =
  | { readonly kind: "taken" }
  | { readonly kind: "end-of-rib"; readonly family: Family }
  /** The message holds more than should be taken in one go: `resume` goes on while there is time, and answers like `update`. */
  | { readonly kind: "more"; readonly resume: (inTime: () => boolean) => IntakeResult }
  /** All routes of these families have to go. */
  | { readonly kind: "disable-family"; readonly families: readonly RouteFamily[] }
  /** UpdateMsgErr. */
  | { readonly kind: "reset"; readonly fault: NotificationMessage }
  /** AutomaticStop. */
  | { readonly kind: "stop"; readonly notification: NotificationMessage; readonly idleHold?: Seconds };

const TAKEN = { kind: "taken" } as const;
const asTaken = (taken: IntakeResult): IntakeResult => taken;

/** Decodes the UPDATEs of one session and hands their routes to the intake of each family. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #decoder: UpdateDecoder;
  readonly #families: Readonly<Partial<Record<RouteFamily, FamilyIntake>>>;

  constructor(parts: IntakeParts) {
    const { agreed, codec, families, localAs } = parts;
    this.#parts = parts;
    this.#families = Object.fromEntries(families.map((intake) => [intake.family, intake]));
    const context = {
      asWidth: agreed.asWidth,
      internal: agreed.kind === "internal",
      confederation: agreed.kind === "confederation",
      localAs,
    };
    const { extendedNextHop } = agreed;
    this.#decoder = new UpdateDecoder(codec, context, {
      families: families.map(({ family }) => family),
      extendedNextHop,
      addPath: families.flatMap(({ family }) => (addPathOf(family, agreed, codec.dialect).receive ? [family] : [])),
    });
  }

  /** Families that were given up on this session. */
  get disabled(): readonly RouteFamily[] {
    return this.#parts.families.filter(({ disabled }) => disabled).map(({ family }) => family);
  }

  family(family: RouteFamily): FamilyIntake | undefined {
    return this.#families[family];
  }

  /** One UPDATE; its octets are borrowed until the call returns, or until there is no more. */
  update(octets: Uint8Array, start: number, end: number): IntakeResult {
    const { counters, log, peer } = this.#parts;
    const before = this.#decoder.notAgreed;
    const outcome = this.#decoder.decode(octets, start, end);
    if (this.#decoder.notAgreed > before) counters.notAgreed.add(this.#decoder.notAgreed - before);
    this.#count(outcome);
    this.#watchWithdrawal(outcome, octets, start - HEADER_LENGTH, end);
    switch (outcome.kind) {
      case "end-of-rib":
        return outcome;
      case "reset":
        counters.malformed("session-reset").add();
        log.warn("bgp.update.reset", { peer, reason: outcome.reason });
        return outcome;
      case "disable-family": {
        const { families, faults } = outcome;
        for (const family of families) {
          const intake = this.#families[family]!; // the decoder knows no others
          if (!intake.disabled) log.warn("bgp.family.disabled", { peer, family, faults });
          intake.disabled = true;
        }
        return this.#routes(outcome, (others) =>
          others.kind === "taken" ? { kind: "disable-family", families } : others,
        );
      }
      case "routes":
        return this.#routes(outcome, asTaken);
    }
  }

  #count(outcome: UpdateOutcome): void {
    if (outcome.kind !== "routes" && outcome.kind !== "disable-family") return;
    const { counters, log, peer } = this.#parts;
    if (outcome.faults.length > 0) {
      for (const { action, name, reason } of outcome.faults) {
        counters.malformed(action).add();
        log.debug("bgp.update.malformed", { peer, attribute: name, action, reason });
      }
    }
    const { announced, withdrawn, classic } = this.#decoder;
    this.#countSkipped(announced);
    this.#countSkipped(withdrawn);
    this.#countSkipped(classic.announced);
    this.#countSkipped(classic.withdrawn);
  }

  #watchWithdrawal(outcome: UpdateOutcome, octets: Uint8Array, start: number, end: number): void {
    const { observer } = this.#parts;
    if (observer?.treatedAsWithdraw === undefined) return;
    if (outcome.kind !== "routes" && outcome.kind !== "disable-family") return;
    if (!outcome.faults.some(({ action }) => action === "treat-as-withdraw")) return;
    const { announced, classic } = this.#decoder;
    observer.treatedAsWithdraw(announced.count + classic.announced.count, octets, start, end);
  }

  #countSkipped({ unknown, malformed }: NlriBatch): void {
    const { counters } = this.#parts;
    if (unknown > 0) counters.skippedRoutes("unknown").add(unknown);
    if (malformed > 0) counters.skippedRoutes("malformed").add(malformed);
  }

  #routes(
    outcome: Extract<UpdateOutcome, { kind: "routes" | "disable-family" }>,
    conclude: (taken: IntakeResult) => IntakeResult,
  ): IntakeResult {
    const { announced, withdrawn, classic } = this.#decoder;
    const routes = announced.count + withdrawn.count + classic.announced.count + classic.withdrawn.count;
    if (routes > ROUTES_AT_ONCE) return advance(this.#inPieces(outcome), conclude, () => false);
    return conclude(this.#atOnce(outcome));
  }

  #atOnce({ attributes, classicAttributes }: Received): IntakeResult {
    const { announced, withdrawn, announcedFamily, withdrawnFamily, classic } = this.#decoder;
    if (withdrawn.count > 0) this.#families[withdrawnFamily]?.withdraw(withdrawn);
    if (classic.withdrawn.count > 0) this.#families["ipv4-unicast"]?.withdraw(classic.withdrawn);
    const result = announced.count > 0 ? this.#families[announcedFamily]?.take(announced, attributes) : undefined;
    if (result !== undefined || classic.announced.count === 0) return result ?? TAKEN;
    return this.#families["ipv4-unicast"]?.take(classic.announced, classicAttributes) ?? TAKEN;
  }

  /** The same, piece by piece. The decoder is not asked anything else meanwhile. */
  *#inPieces({ attributes, classicAttributes }: Received): Generator<undefined, IntakeResult> {
    const { announced, withdrawn, announcedFamily, withdrawnFamily, classic } = this.#decoder;
    const going = [
      [this.#families[withdrawnFamily], withdrawn],
      [this.#families["ipv4-unicast"], classic.withdrawn],
    ] as const;
    for (const [family, keys] of going) {
      for (const piece of keys.pieces(ROUTES_AT_ONCE)) {
        family?.withdraw(piece);
        yield;
      }
    }
    const coming = [
      [this.#families[announcedFamily], announced, attributes],
      [this.#families["ipv4-unicast"], classic.announced, classicAttributes],
    ] as const;
    for (const [family, keys, set] of coming) {
      let which: "first" | "further" = "first";
      for (const piece of keys.pieces(ROUTES_AT_ONCE)) {
        const result = family?.take(piece, set, which);
        if (result !== undefined) return result;
        which = "further";
        yield;
      }
    }
    return TAKEN;
  }
}

type Received = Pick<Extract<UpdateOutcome, { kind: "routes" }>, "attributes" | "classicAttributes">;

/** One piece at least. */
function advance(
  pieces: Generator<undefined, IntakeResult>,
  conclude: (taken: IntakeResult) => IntakeResult,
  inTime: () => boolean,
): IntakeResult {
  do {
    const { done, value } = pieces.next();
    if (done === true) return conclude(value);
  } while (inTime());
  return { kind: "more", resume: (more) => advance(pieces, conclude, more) };
}
