import type { CapabilityName } from "../../src/base/index.ts";
import type { CapabilitySelection } from "../../src/rib/index.ts";

/**
 * A selection as it may be handed out: the object, its octets and its lists are those of the next one, too, and its name is made when
 * somebody reads it.
 */
export class ReusedSelection implements CapabilitySelection {
  tenantIndex = 0;
  readonly capabilityId = new Uint8Array(16);
  group: CapabilitySelection["group"][number][] = [];
  candidates: CapabilitySelection["candidates"][number][] = [];
  winner: CapabilitySelection["winner"];
  /** How often the name was read. */
  names = 0;
  #name: CapabilityName | undefined;

  get name(): CapabilityName | undefined {
    this.names++;
    return this.#name;
  }

  /** Tells of `one` in this memory, and spoils it afterwards. */
  tell(one: CapabilitySelection, told: (selection: CapabilitySelection) => void): void {
    this.tenantIndex = one.tenantIndex;
    this.capabilityId.set(one.capabilityId);
    this.group.push(...one.group);
    this.candidates.push(...one.candidates);
    this.winner = one.winner;
    this.#name = one.name;
    told(this);
    this.tenantIndex = 0;
    this.capabilityId.fill(0x55);
    this.group.length = 0;
    this.candidates.length = 0;
    this.winner = undefined;
    this.#name = undefined;
  }
}
