import { fieldOctets } from "../../base/index.ts";
import type { Session } from "../datastore/index.ts";
import { readableRows } from "../state/index.ts";
import { cliItem, isCli } from "./cli-origin.ts";
import { Document, readConfiguration } from "./document.ts";
import { depthOf, refuseOthers } from "./extensions.ts";
import { standalone, toPlainJson } from "./json-values.ts";
import { type Json, type Match, matches } from "./leaves.ts";
import type { GetRequest, GnmiPath } from "./messages.ts";
import { nanoseconds, type OperationParts } from "./parts.ts";
import { dataPath, type Pattern, type Wanted } from "./paths.ts";
import type { SchemaNode, SchemaRoot } from "./schema-tree.ts";
import { GnmiError, must } from "./status.ts";
import { type ValueEncoding, valueEncoding } from "./values.ts";
import { notificationOctets, type Sent, updateOctets } from "./wire.ts";

/** Rows of state in one answer; more are for Subscribe, which sends them as they come. */
const MOST_ROWS = 50_000;
/** Paths of one request. */
const MOST_PATHS = 256;

type Content = "config" | "state" | "all";

/**
 * One Notification for each path, in their order.
 *
 * @returns the octets of a GetResponse
 * @throws {GnmiError}
 * @see gNMI specification §3.3
 */
export async function get(request: GetRequest, session: Session, parts: OperationParts): Promise<Buffer> {
  refuseOthers(request.extension, ["depth"]);
  const depth = depthOf(request.extension);
  // A prefix alone is a path, too.
  const paths: readonly (GnmiPath | null)[] = request.path.length === 0 ? [null] : request.path;
  const areWords = paths.filter((path) => isCli(request.prefix, path)).length;
  if (areWords > 0) return getWords(request, { session, parts, areAll: areWords === paths.length });
  const encoding = valueEncoding(request.encoding);
  const content = contentOf(request.type);
  must(parts.access.calling(session, content === "config" ? "ietf-netconf:get-config" : "ietf-netconf:get"));
  if (request.path.length > MOST_PATHS) {
    throw tooManyPaths(request.path.length);
  }
  const notifications: Buffer[] = [];
  for (const path of paths) {
    const wanted = parts.model.paths.read(request.prefix, path);
    const reading = new Reading(parts, session, { encoding, content, depth });
    const items = await reading.items(wanted);
    const prefix = echoed(request.prefix, path);
    // A SubscribeResponse has its Notification in the field that a GetResponse has it in.
    notifications.push(notificationOctets(nanoseconds(parts.clock), prefix, items));
  }
  return Buffer.concat(notifications);
}

/** As {@link get}, of origin `cli`. */
async function getWords(
  request: GetRequest,
  { session, parts, areAll }: { readonly session: Session; readonly parts: OperationParts; readonly areAll: boolean },
): Promise<Buffer> {
  const { prefix, path, type, encoding, extension } = request;
  if (!areAll) throw new GnmiError("INVALID_ARGUMENT", "origin cli and other origins do not go together in one Get");
  if (encoding !== "ASCII") throw new GnmiError("INVALID_ARGUMENT", "origin cli has the encoding ASCII");
  if (type !== "ALL" && type !== "CONFIG") {
    throw new GnmiError("INVALID_ARGUMENT", "origin cli is configuration: ask for CONFIG");
  }
  if (depthOf(extension) !== undefined) throw new GnmiError("INVALID_ARGUMENT", "origin cli has no depth");
  must(parts.access.calling(session, "ietf-netconf:get-config"));
  if (path.length > MOST_PATHS) throw tooManyPaths(path.length);
  const notifications: Buffer[] = [];
  for (const one of path.length === 0 ? [null] : path) {
    const item = await cliItem(parts, session, { prefix, path: one });
    notifications.push(notificationOctets(nanoseconds(parts.clock), echoed(prefix, one), [item]));
  }
  return Buffer.concat(notifications);
}

const tooManyPaths = (count: number): GnmiError =>
  new GnmiError("INVALID_ARGUMENT", `${count} paths; ${MOST_PATHS} is the most of one request`);

/** Target and origin are sent back; paths are absolute. */
export function echoed(prefix: GnmiPath | null, path: GnmiPath | null): Buffer {
  const [target, origin] = [prefix?.target ?? "", (path?.origin ?? "") || (prefix?.origin ?? "")];
  const parts: Buffer[] = [];
  if (origin !== "") parts.push(fieldOctets(2, Buffer.from(origin)));
  if (target !== "") parts.push(fieldOctets(4, Buffer.from(target)));
  return Buffer.concat(parts);
}

function contentOf(type: GetRequest["type"]): Content {
  switch (type) {
    case "ALL":
      return "all";
    case "CONFIG":
      return "config";
    // What is not derived from configuration is what the router does: they are the same here.
    case "STATE":
    case "OPERATIONAL":
      return "state";
    default:
      throw new GnmiError("INVALID_ARGUMENT", `${type} is no type of data: ALL, CONFIG, STATE, OPERATIONAL`);
  }
}

interface ReadingOptions {
  readonly encoding: ValueEncoding;
  readonly content: Content;
  readonly depth: number | undefined;
}

class Reading {
  readonly #parts: OperationParts;
  readonly #session: Session;
  readonly #options: ReadingOptions;
  #rows = 0;

  constructor(parts: OperationParts, session: Session, options: ReadingOptions) {
    this.#parts = parts;
    this.#session = session;
    this.#options = options;
  }

  /** @throws {GnmiError} NOT_FOUND where one node was asked for and is not there */
  async items(wanted: Wanted): Promise<Sent[]> {
    const items: Sent[] = [];
    for (const pattern of wanted.patterns) {
      const document = await this.#document(pattern, wanted.text);
      for (const match of matches(document, pattern)) items.push(...this.#sent(match));
    }
    const last = wanted.patterns[0]?.at(-1)?.node.schema;
    if (items.length > 0 || wanted.isWild) return items;
    // A container without presence is there with nothing in it. RFC 7950 §7.5.1
    const isThere = last === undefined || (last.kind === "container" && last.presence !== true);
    if (!isThere || (await this.#lacksParent(wanted.patterns[0]!, wanted.text))) {
      throw new GnmiError("NOT_FOUND", `${wanted.text}: there is no data`);
    }
    return items;
  }

  /** Whether a list entry above is not there. */
  async #lacksParent(pattern: Pattern, text: string): Promise<boolean> {
    const index = pattern.findLastIndex(({ node }) => node.keys.length > 0);
    if (index < 0) return false;
    const entry = pattern.slice(0, index + 1);
    const document = await this.#document(entry, text);
    return matches(document, entry).next().done === true;
  }

  async #document(pattern: Pattern, text: string): Promise<Json> {
    const { management, model, state, access } = this.#parts;
    const { content } = this.#options;
    const isConfig = pattern.at(-1)?.node.schema.config !== false && content !== "state";
    const read = isConfig ? await readConfiguration(management, this.#session, pattern, text) : {};
    if (content === "config") return read;
    const document = new Document(model.root, read);
    for await (const rows of state.read(dataPath(pattern))) {
      this.#rows += rows.length;
      if (this.#rows > MOST_ROWS) {
        const message = `${text}: more than ${MOST_ROWS} rows of state; ask for less, or Subscribe ONCE, which has no limit`;
        throw new GnmiError("RESOURCE_EXHAUSTED", message);
      }
      for (const row of readableRows(rows, access.of(this.#session))) {
        // Rows near what is selected may not be of it.
        if (model.leaves.rowMatch(row, pattern) !== undefined) document.put(row);
      }
    }
    return document.content;
  }

  *#sent(match: Match): Generator<Sent, void, void> {
    const { encoding, depth } = this.#options;
    const { node, place, value } = match;
    const isLeaf = node?.schema.kind === "leaf" || node?.schema.kind === "leaf-list";
    if (encoding === "PROTO" || isLeaf) {
      const options = { encoding, ...(depth === undefined ? {} : { depth }) };
      for (const { octets } of this.#parts.model.leaves.of(match, options))
        yield { isDelete: false, octets, duplicates: 0 };
      return;
    }
    const tree = node ?? this.#parts.model.root;
    const cut = depth === undefined ? value : shallow(tree, value as Json, depth);
    const octets =
      encoding === "JSON_IETF"
        ? fieldOctets(11, Buffer.from(JSON.stringify(standalone(tree, cut))))
        : fieldOctets(10, Buffer.from(JSON.stringify(toPlainJson(tree, cut))));
    yield { isDelete: false, octets: updateOctets(place.elems, EMPTY, octets), duplicates: 0 };
  }
}

const EMPTY = Buffer.alloc(0);

/** Only what is at most `depth` levels below. */
function shallow(node: SchemaNode | SchemaRoot, value: Json, depth: number): Json {
  const members = Object.entries(value).flatMap(([name, member]): [string, unknown][] => {
    const child = node.byName.get(name);
    const kind = child?.schema.kind;
    if (child === undefined || (kind !== "container" && kind !== "list")) return [[name, member]];
    if (depth <= 1) return [];
    if (Array.isArray(member)) return [[name, member.map((entry) => shallow(child, entry as Json, depth - 1))]];
    return [[name, shallow(child, member as Json, depth - 1)]];
  });
  return Object.fromEntries(members);
}
