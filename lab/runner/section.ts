import type { Notice } from "./topology.ts";

type Faults = { path: string; text: string }[];

/**
 * One mapping of the file while it is being read. Every key that is asked for counts as known; `reportRest` makes a
 * notice of each of the others, so nothing is ignored in silence. Wrong types are collected as faults with their path.
 */
export class Section {
  readonly path: string;
  readonly #map: Readonly<Record<string, unknown>>;
  readonly #known = new Set<string>();
  readonly #notices: Notice[];
  readonly #faults: Faults;

  constructor(value: unknown, path: string, notices: Notice[], faults: Faults) {
    this.path = path;
    this.#notices = notices;
    this.#faults = faults;
    if (value === undefined || value === null) {
      this.#map = {};
    } else if (typeof value === "object" && !Array.isArray(value)) {
      this.#map = value as Record<string, unknown>;
    } else {
      this.#map = {};
      faults.push({ path, text: "must be a mapping" });
    }
  }

  #at(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  fault(key: string, text: string): void {
    this.#faults.push({ path: this.#at(key), text });
  }

  notice(key: string, level: Notice["level"], text: string): void {
    this.#notices.push({ level, path: this.#at(key), text });
  }

  /** The same place in the file with other content: what inheritance makes of it. */
  withContent(content: Readonly<Record<string, unknown>>): Section {
    return new Section(content, this.path, this.#notices, this.#faults);
  }

  raw(key: string): unknown {
    this.#known.add(key);
    return this.#map[key] ?? undefined;
  }

  content(): Readonly<Record<string, unknown>> {
    return this.#map;
  }

  section(key: string): Section {
    return new Section(this.raw(key), this.#at(key), this.#notices, this.#faults);
  }

  /** All entries as sections of their own. */
  entries(): (readonly [string, Section])[] {
    return Object.keys(this.#map).map((key) => [key, this.section(key)]);
  }

  /** Sections of a list of mappings. */
  list(key: string): Section[] {
    const value = this.raw(key);
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.fault(key, "must be a list");
      return [];
    }
    return value.map((item, index) => new Section(item, `${this.#at(key)}[${index}]`, this.#notices, this.#faults));
  }

  /** A scalar as text: YAML makes numbers and booleans of some that are meant as text. */
  text(key: string): string | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    this.fault(key, "must be text");
    return undefined;
  }

  integer(key: string, range: { readonly min: number; readonly max: number }): number | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= range.min && value <= range.max) return value;
    this.fault(key, `must be a whole number from ${range.min} to ${range.max}`);
    return undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.raw(key);
    if (value === undefined || typeof value === "boolean") return value;
    this.fault(key, "must be true or false");
    return undefined;
  }

  texts(key: string): string[] {
    const value = this.raw(key);
    if (value === undefined) return [];
    if (!Array.isArray(value) || value.some((item) => typeof item === "object")) {
      this.fault(key, "must be a list of texts");
      return [];
    }
    return value.map(String);
  }

  /** A mapping of names to scalars. */
  scalars(key: string): Record<string, string> {
    const inner = this.section(key);
    return Object.fromEntries(Object.keys(inner.content()).map((name) => [name, inner.text(name) ?? ""]));
  }

  /** Keys that were asked for so far, whether they are there or not. */
  get asked(): ReadonlySet<string> {
    return this.#known;
  }

  /** A notice for every key outside `known`: without an argument, for those that nobody asked for. */
  reportRest(known: ReadonlySet<string> = this.#known): void {
    for (const key of Object.keys(this.#map)) {
      if (!known.has(key)) this.notice(key, "warning", "this runner does not know it: left out");
    }
  }
}
