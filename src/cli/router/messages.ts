import { fieldNumber, fieldOctets, fieldText, messageFields } from "../../base/protobuf.ts";

/*
 * The messages of gNMI that semrctl says and hears, as far as it does: loading a library for them would take longer than all else.
 * Numbers are those of ../../management/gnmi/proto.
 */

/** What the router calls its resources; see the README of ../../management/gnmi. */
const ORIGIN = "semrd-control";
const EMPTY = new Uint8Array();
const MODES = { STREAM: 0, ONCE: 1 } as const;

export type Parameters = Readonly<Record<string, string | number | undefined>>;

/** A resource: `/agents/drain` with the `id` of one agent; parameters that are absent are not said. */
export interface ResourcePath {
  readonly path: string;
  /** Which one of the first element. */
  readonly id?: string;
  readonly parameters?: Parameters;
}

/** A Path message. */
function pathOctets({ path, id, parameters = {} }: ResourcePath): Uint8Array {
  const names = path.split("/").filter((name) => name !== "");
  const said = Object.entries(parameters).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, String(value)]],
  );
  const elems = names.map((name, i) => {
    const own: readonly [string, string][] = i === 0 && id !== undefined ? [["id", id]] : [];
    const keys = i === names.length - 1 ? [...own, ...said] : own;
    const octets = keys.map(([key, value]) => fieldOctets(2, fieldText(1, key), fieldText(2, value)));
    return fieldOctets(3, fieldText(1, name), ...octets);
  });
  return Buffer.concat([fieldText(2, ORIGIN), ...elems]);
}

/** Encoding JSON is 0, which is not said. */
export const subscribeRequest = (mode: keyof typeof MODES, resource: ResourcePath): Uint8Array =>
  fieldOctets(1, fieldOctets(2, fieldOctets(1, pathOctets(resource))), fieldNumber(5, MODES[mode]));

export function setRequest(isDelete: boolean, resource: ResourcePath, body: Uint8Array | undefined): Uint8Array {
  const path = pathOctets(resource);
  if (isDelete) return fieldOctets(2, path);
  return fieldOctets(4, fieldOctets(1, path), body === undefined ? EMPTY : fieldOctets(3, fieldOctets(10, body)));
}

/** A part of what a router answers. */
export interface AnswerPart {
  /** `json`: a whole text. `rows`: an array, a row on each line, of a list that may have more. `octets`: some of many. */
  readonly kind: "json" | "rows" | "octets";
  readonly octets: Uint8Array;
}

type Read<T> = (octets: Uint8Array) => T;

/** What `read` makes of each field of that number. */
function each<T>(message: Uint8Array, number: number, read: Read<T>): readonly T[] {
  const found: T[] = [];
  for (const { field, octets } of messageFields(message))
    if (field === number && octets !== undefined) found.push(read(octets));
  return found;
}

const asIs: Read<Uint8Array> = (octets) => octets;

/**
 * What a SubscribeResponse brings; `sync`: all that there was has been brought.
 * @throws {MalformedMessage}
 */
export function readSubscribeResponse(message: Uint8Array): {
  readonly parts: readonly AnswerPart[];
  readonly sync: boolean;
} {
  const parts = each(message, 1, (notification) => each(notification, 4, readUpdate).flat()).flat();
  let sync = false;
  for (const { field, number } of messageFields(message)) if (field === 3 && number === 1n) sync = true;
  return { parts, sync };
}

const SLICE = Buffer.from("slice");

function readUpdate(update: Uint8Array): readonly AnswerPart[] {
  const [path] = each(update, 1, asIs);
  const keys = each(path ?? EMPTY, 3, (elem) => each(elem, 2, (entry) => each(entry, 1, asIs))).flat(2);
  const isSlice = keys.some((key) => SLICE.equals(key));
  return each(update, 3, (value): readonly AnswerPart[] => {
    for (const { field, octets } of messageFields(value)) {
      if (octets === undefined) continue;
      if (field === 10) return [{ kind: isSlice ? "rows" : "json", octets }];
      if (field === 5) return [{ kind: "octets", octets }];
    }
    return [];
  }).flat();
}

/**
 * What an operation said, from a SetResponse.
 * @throws {MalformedMessage}
 */
export function readSetResponse(message: Uint8Array): readonly AnswerPart[] {
  const said = each(message, 5, (extension) => each(extension, 1, (registered) => each(registered, 2, asIs))).flat(2);
  return said.map((octets) => ({ kind: "json", octets }));
}
