import { type CapabilityName, capabilityFamily, hashedFamilyCode } from "../base/index.ts";

const ROWS = 64;
const SLASH = 0x2f;

/** Codes of the families of names. Those that were asked about last are found without a string being made for each name. */
export class FamilyCodes {
  readonly #said: ReadonlyMap<string, number>;
  readonly #families = new Array<string | undefined>(ROWS);
  readonly #codes = new Uint16Array(ROWS);

  /** @param said of some; the others get a hashed one */
  constructor(said: ReadonlyMap<string, number>) {
    this.#said = said;
  }

  /** Of the first label of a name. */
  of(name: CapabilityName): number {
    let sum = 0;
    let end = 1;
    for (; end < name.length; end++) {
      const letter = name.charCodeAt(end);
      if (letter === SLASH) break;
      sum = (Math.imul(sum, 31) + letter) | 0;
    }
    const row = (sum ^ (sum >>> 6)) & (ROWS - 1);
    const known = this.#families[row];
    if (known !== undefined && known.length === end - 1 && name.startsWith(known, 1)) return this.#codes[row]!;
    const family = capabilityFamily(name);
    const code = this.ofFamily(family);
    this.#families[row] = family;
    this.#codes[row] = code;
    return code;
  }

  ofFamily(family: string): number {
    return this.#said.get(family) ?? hashedFamilyCode(family);
  }
}
