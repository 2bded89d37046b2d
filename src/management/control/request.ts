import { type CapabilityName, canonicalZoned, parseCapabilityName } from "../../base/index.ts";
import { ControlRefusal } from "./handlers.ts";

/** Longest path with query; agent IDs have up to 512 characters, which may be percent-encoded. */
const MAX_TARGET = 4096;

export const bad = (detail: string): ControlRefusal =>
  new ControlRefusal(400, "control.bad-request", "Bad request", detail);

export interface Target {
  /** Decoded segments behind `/v1`. */
  readonly segments: readonly string[];
  readonly query: ReadonlyMap<string, string>;
}

/** Splits a request target; every mistake is a {@link ControlRefusal} 400 or 404. */
export function parseTarget(text: string): Target {
  if (text.length > MAX_TARGET) throw bad(`the target has ${text.length} characters, and ${MAX_TARGET} are allowed`);
  const [path, ...rest] = text.split("?") as [string, ...string[]];
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rest.join("?"))) {
    if (query.has(name)) throw bad(`the parameter ${JSON.stringify(name)} is given twice`);
    query.set(name, value);
  }
  const [root, version, ...segments] = path.split("/");
  if (root !== "" || version !== "v1")
    throw new ControlRefusal(
      404,
      "control.not-found",
      "Not found",
      `there is nothing at ${path}: resources begin with /v1/`,
    );
  try {
    return { segments: segments.map(decodeURIComponent), query };
  } catch {
    throw bad(`the path ${path} has a bad percent-encoding`);
  }
}

/** The parameters of a request, all of which must be among `allowed`. */
export function parameters<Name extends string>(
  target: Target,
  allowed: readonly Name[],
): Partial<Record<Name, string>> {
  for (const name of target.query.keys())
    if (!(allowed as readonly string[]).includes(name))
      throw bad(
        `the parameter ${JSON.stringify(name)} is unknown here; ` +
          (allowed.length === 0 ? "none is allowed" : `allowed are ${allowed.join(", ")}`),
      );
  return Object.fromEntries(target.query) as Partial<Record<Name, string>>;
}

export function capabilityNamed(text: string): CapabilityName {
  const name = parseCapabilityName(text);
  if (name !== undefined) return name;
  throw new ControlRefusal(
    400,
    "control.bad-name",
    "Bad request",
    `${JSON.stringify(text)} is not a capability name: one to eight labels, each behind a '/', such as /vision/ocr`,
  );
}

export const tooLarge = (limit: number): ControlRefusal =>
  new ControlRefusal(413, "control.too-large", "Content too large", `the body has more than ${limit} octets`);

/** @throws {ControlRefusal} 400 for what is not UTF-8 */
export function textOf(octets: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(octets);
  } catch {
    throw bad("the body is not UTF-8");
  }
}

/** The address of a neighbour, as it is known by it. @throws {ControlRefusal} */
export function neighborOf(name: string): string {
  const address = canonicalZoned(name);
  if (address !== undefined) return address;
  const message = `${JSON.stringify(name)} is not an IPv6 address`;
  throw new ControlRefusal(400, "control.bad-address", "Bad request", message);
}
