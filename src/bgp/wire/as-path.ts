import type { Reader, Writer } from "../../base/index.ts";
import type { AsPathSegment } from "../../rib/index.ts";
import { AS_TRANS } from "./constants.ts";

/** Octets of one AS number on the session. @see RFC 6793 §4.1 */
export type AsWidth = 2 | 4;

const TYPES: readonly (AsPathSegment["type"] | undefined)[] = [
  undefined,
  "set",
  "sequence",
  "confed-sequence",
  "confed-set",
];
const MAX_SEGMENT = 255;

/**
 * The segments, or what is wrong with them. An empty path is no segments.
 * @see RFC 4271 §4.3 b); RFC 7606 §7.2; RFC 7607 §2 (AS 0)
 */
export function decodeAsPath(value: Reader, width: AsWidth): readonly AsPathSegment[] | string {
  const segments: AsPathSegment[] = [];
  while (value.left > 0) {
    if (value.left < 2) return "half a segment header";
    const type = TYPES[value.u8()];
    const count = value.u8();
    if (type === undefined) return "unknown segment type";
    if (count === 0) return "empty segment";
    if (count * width > value.left) return "segment longer than the attribute";
    const numbers: number[] = [];
    for (let i = 0; i < count; i++) numbers.push(width === 4 ? value.u32() : value.u16());
    if (numbers.includes(0)) return "AS 0";
    segments.push({ type, numbers });
  }
  return segments;
}

/** Segments of more than 255 numbers are split; to a 2-octet speaker, larger numbers become AS_TRANS. */
export function encodeAsPath(segments: readonly AsPathSegment[], width: AsWidth, out: Writer): void {
  for (const { type, numbers } of segments) {
    for (let from = 0; from < numbers.length; from += MAX_SEGMENT) {
      const part = numbers.slice(from, from + MAX_SEGMENT);
      out.u8(TYPES.indexOf(type)).u8(part.length);
      for (const number of part) {
        if (width === 4) out.u32(number);
        else out.u16(number > 0xffff ? AS_TRANS : number);
      }
    }
  }
}

const isConfederation = (segment: AsPathSegment): boolean => segment.type.startsWith("confed");

/** For the decision: a set counts as one, confederation segments as nothing. @see RFC 4271 §9.1.2.2 a); RFC 5065 §5.3 */
export function asPathLength(segments: readonly AsPathSegment[]): number {
  let length = 0;
  for (const segment of segments) {
    if (!isConfederation(segment)) length += segment.type === "set" ? 1 : segment.numbers.length;
  }
  return length;
}

/** Whether an AS is anywhere in a path, sets and confederation segments included. */
export function asPathContains(segments: readonly AsPathSegment[], autonomousSystem: number): boolean {
  return segments.some(({ numbers }) => numbers.includes(autonomousSystem));
}

/** The AS that the route came from last, when the path begins with a sequence. */
export function firstAs(segments: readonly AsPathSegment[]): number | undefined {
  const first = segments.find((segment) => !isConfederation(segment));
  return first?.type === "sequence" ? first.numbers[0] : undefined;
}

/** The path with `autonomousSystem` in front. @see RFC 4271 §5.1.2 b) */
export function prependAs(segments: readonly AsPathSegment[], autonomousSystem: number): readonly AsPathSegment[] {
  const own = segments.filter((segment) => !isConfederation(segment));
  const [first, ...others] = own;
  if (first?.type === "sequence" && first.numbers.length < MAX_SEGMENT) {
    return [{ type: "sequence", numbers: [autonomousSystem, ...first.numbers] }, ...others];
  }
  return [{ type: "sequence", numbers: [autonomousSystem] }, ...own];
}

/** Without what a confederation has put into it. @see RFC 5065 §4.1 c) */
export function withoutConfederation(segments: readonly AsPathSegment[]): readonly AsPathSegment[] {
  return segments.some(isConfederation) ? segments.filter((segment) => !isConfederation(segment)) : segments;
}

/** The path with this member AS in front, for another member AS of the confederation. @see RFC 5065 §4.1 b) */
export function prependMemberAs(segments: readonly AsPathSegment[], memberAs: number): readonly AsPathSegment[] {
  const [first, ...others] = segments;
  if (first?.type === "confed-sequence" && first.numbers.length < MAX_SEGMENT) {
    return [{ type: "confed-sequence", numbers: [memberAs, ...first.numbers] }, ...others];
  }
  return [{ type: "confed-sequence", numbers: [memberAs] }, ...segments];
}

/** The path with `autonomousSystem` in front of what is outside: the members that it has come through stay in front of that. */
export function prependBehindMembers(
  segments: readonly AsPathSegment[],
  autonomousSystem: number,
): readonly AsPathSegment[] {
  const outside = segments.findIndex((segment) => !isConfederation(segment));
  const end = outside < 0 ? segments.length : outside;
  return [...segments.slice(0, end), ...prependAs(segments.slice(end), autonomousSystem)];
}

/** The member AS that the route came from last, when the path begins with a sequence of them. */
export function firstMemberAs(segments: readonly AsPathSegment[]): number | undefined {
  const first = segments[0];
  return first?.type === "confed-sequence" ? first.numbers[0] : undefined;
}

/** Whether a 2-octet speaker needs AS4_PATH to know the path. */
export function needsAs4Path(segments: readonly AsPathSegment[]): boolean {
  return segments.some((segment) => !isConfederation(segment) && segment.numbers.some((number) => number > 0xffff));
}

/** What AS4_PATH says of a path: everything but the confederation. @see RFC 6793 §4.2.2 */
export function as4PathOf(segments: readonly AsPathSegment[]): readonly AsPathSegment[] {
  return segments.filter((segment) => !isConfederation(segment));
}

/**
 * The true path behind a 2-octet speaker: what AS4_PATH does not cover of AS_PATH, then AS4_PATH. An AS4_PATH that claims
 * more than AS_PATH is ignored.
 * @see RFC 6793 §4.2.3
 */
export function mergeAs4Path(
  path: readonly AsPathSegment[],
  as4Path: readonly AsPathSegment[],
): readonly AsPathSegment[] {
  const tail = as4PathOf(as4Path);
  let lead = asPathLength(path) - asPathLength(tail);
  if (lead < 0) return path;
  const merged: AsPathSegment[] = [];
  for (const segment of path) {
    if (isConfederation(segment)) {
      // Confederation segments in front, and those next to a segment of the leading part, belong to it.
      merged.push(segment);
      continue;
    }
    if (lead === 0) break;
    if (segment.type === "set") {
      merged.push(segment);
      lead -= 1;
    } else {
      merged.push({ type: "sequence", numbers: segment.numbers.slice(0, lead) });
      if (segment.numbers.length > lead) break;
      lead -= segment.numbers.length;
    }
  }
  const last = merged.at(-1);
  const [first, ...others] = tail;
  const joins = last?.type === "sequence" && first?.type === "sequence";
  if (joins && last.numbers.length + first.numbers.length <= MAX_SEGMENT) {
    return [...merged.slice(0, -1), { type: "sequence", numbers: [...last.numbers, ...first.numbers] }, ...others];
  }
  return [...merged, ...tail];
}
