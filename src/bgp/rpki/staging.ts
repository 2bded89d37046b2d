import { type Clock, milliseconds } from "../../base/index.ts";
import type { Vrp, VrpTable } from "./vrp-table.ts";
import type { PrefixPdu } from "./wire/index.ts";
import { RtrError } from "./wire/index.ts";

/*
 * A staged record, 24 octets:
 *
 *     | announce u8 | octets of the address u8 | length u8 | max length u8 | AS u32 | address 16 |
 */
const RECORD = 24;
const USUAL_RECORDS = 1024;
const SLICE = milliseconds(3);
const RECORDS_PER_LOOK = 64;
/** More VRPs than the world has by a factor of ten. */
const MOST_RECORDS = 8 * 1024 * 1024;

export interface LoadFault {
  readonly code: number;
  readonly reason: string;
}

/** VRPs of one answer, kept until End of Data says that they are all there. @see RFC 8210 §8 */
export class Staging {
  #octets = new Uint8Array(USUAL_RECORDS * RECORD);
  #view = new DataView(this.#octets.buffer);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** False: there is no room for more. */
  add({ announce, address, length, maxLength, autonomousSystem }: PrefixPdu): boolean {
    if (this.#count === MOST_RECORDS) return false;
    if ((this.#count + 1) * RECORD > this.#octets.length) {
      const more = new Uint8Array(2 * this.#octets.length);
      more.set(this.#octets);
      this.#octets = more;
      this.#view = new DataView(more.buffer);
    }
    const at = this.#count++ * RECORD;
    this.#octets[at] = announce ? 1 : 0;
    this.#octets[at + 1] = address.length;
    this.#octets[at + 2] = length;
    this.#octets[at + 3] = maxLength;
    this.#view.setUint32(at + 4, autonomousSystem);
    this.#octets.set(address, at + 8);
    return true;
  }

  announces(index: number): boolean {
    return this.#octets[index * RECORD] === 1;
  }

  /** The address is a view. */
  vrp(index: number): Vrp {
    const at = index * RECORD;
    return {
      address: this.#octets.subarray(at + 8, at + 8 + this.#octets[at + 1]!),
      length: this.#octets[at + 2]!,
      maxLength: this.#octets[at + 3]!,
      autonomousSystem: this.#view.getUint32(at + 4),
    };
  }

  clear(): void {
    this.#octets = new Uint8Array(USUAL_RECORDS * RECORD);
    this.#view = new DataView(this.#octets.buffer);
    this.#count = 0;
  }
}

/** Runs `each` for the numbers below `count`, in slices, until it answers something or the signal aborts. */
export async function inSlices<T>(
  count: number,
  each: (index: number) => T | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<T | undefined> {
  let started = clock.monotonic();
  for (let index = 0; index < count; index++) {
    const found = each(index);
    if (found !== undefined) return found;
    if (index % RECORDS_PER_LOOK !== 0 || clock.monotonic() - started < SLICE) continue;
    await new Promise<void>((resolve) => clock.soon(resolve));
    if (signal.aborted) return undefined;
    started = clock.monotonic();
  }
  return undefined;
}

/** Brings one staged record into the table in the name of `sayer`. @see RFC 8210 §5.6 */
export function applyRecord(staging: Staging, index: number, table: VrpTable, sayer: number): LoadFault | undefined {
  const vrp = staging.vrp(index);
  if (staging.announces(index)) {
    if (table.add(vrp, sayer)) return undefined;
    return { code: RtrError.DuplicateAnnouncementReceived, reason: "a VRP was announced twice" };
  }
  if (table.remove(vrp, sayer)) return undefined;
  return { code: RtrError.WithdrawalOfUnknownRecord, reason: "a VRP was withdrawn that had not been announced" };
}
