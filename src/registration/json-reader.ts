import { type RegistrationError, refuse } from "./problems.ts";

/**
 * A value of a JSON body and where it is. Each method either answers what it is asked for or throws `registration.body-invalid`
 * with the path, so a reader of bodies reads like their schema. Unknown members are refused: a misspelt one is a mistake.
 */
export class JsonReader {
  readonly #value: unknown;
  /** JSON Pointer. */
  readonly path: string;

  private constructor(value: unknown, path: string) {
    this.#value = value;
    this.path = path;
  }

  static object(json: unknown, names: readonly string[]): JsonReader {
    return new JsonReader(json, "").members(names);
  }

  wrong(detail: string): RegistrationError {
    return refuse("registration.body-invalid", `${this.path === "" ? "the body" : this.path}: ${detail}`, {
      path: this.path,
    });
  }

  /** This value as an object that has no members but `names`. */
  members(names: readonly string[]): JsonReader {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.wrong("an object is expected");
    const unknown = Object.keys(value).find((name) => !names.includes(name));
    if (unknown === undefined) return this;
    const shown = /^[\w.-]{1,40}$/.test(unknown) ? `"${unknown}"` : "that";
    throw this.wrong(`there is no member ${shown}; it has ${names.join(", ")}`);
  }

  optional(name: string): JsonReader | undefined {
    const members = this.#value as Readonly<Record<string, unknown>>;
    return Object.hasOwn(members, name) ? new JsonReader(members[name], `${this.path}/${name}`) : undefined;
  }

  member(name: string): JsonReader {
    const found = this.optional(name);
    if (found === undefined) throw this.wrong(`the member "${name}" is missing`);
    return found;
  }

  list(most: number): readonly JsonReader[] {
    if (!Array.isArray(this.#value)) throw this.wrong("a list is expected");
    if (this.#value.length > most) throw this.wrong(`at most ${most} entries are taken`);
    return this.#value.map((each, i) => new JsonReader(each, `${this.path}/${i}`));
  }

  text({ pattern, most, what }: { readonly pattern?: RegExp; readonly most: number; readonly what: string }): string {
    const value = this.#value;
    if (typeof value !== "string" || value.length > most || pattern?.test(value) === false) {
      throw this.wrong(`${what} is expected`);
    }
    return value;
  }

  integer(least: number, most: number): number {
    const value = this.#value;
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
      throw this.wrong(`a whole number from ${least} to ${most} is expected`);
    }
    return value;
  }

  oneOf<T extends string>(allowed: readonly T[]): T {
    const found = allowed.find((each) => each === this.#value);
    if (found === undefined) throw this.wrong(`one of ${allowed.join(", ")} is expected`);
    return found;
  }
}
