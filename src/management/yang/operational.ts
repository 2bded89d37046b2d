import { type Clock, milliseconds } from "../../base/index.ts";
import {
  type Access,
  type Answer,
  fault,
  formatPath,
  type GetOptions,
  type OperationalReader,
  type OriginSources,
  type Path,
  refused,
  type Tree,
} from "../datastore/index.ts";
import { readableRows, type StateBook, StateDocument } from "../state/index.ts";
import type { YangModel } from "./model.ts";

/** Rows of large tables in one answer; a tree of more takes the thread of the model for too long. */
const MOST_BULK_ROWS = 50_000;
const SLICE = milliseconds(4);
const CHUNK = 32 * 1024;

/** Reads the datastore `operational`: what is configured and in use, with what the parts say about themselves. */
export class StateReader implements OperationalReader {
  readonly #model: YangModel;
  readonly #book: StateBook;
  readonly #clock: Clock;

  constructor(model: YangModel, book: StateBook, clock: Clock) {
    this.#model = model;
    this.#book = book;
    this.#clock = clock;
  }

  /** `inUse` stays the caller's. Only sources that what is selected may touch are asked. */
  async read(inUse: Tree, options: GetOptions, access?: Access, sources?: OriginSources): Promise<Answer<Uint8Array>> {
    const reach = this.#model.reach(options.select);
    if (!reach.ok) return reach;
    const document = await this.#gather(reach.value, access, options.tables === "left-out");
    if (!document.ok) return document;
    const tree = await this.#model.withState(inUse, await this.#text(document.value));
    if (!tree.ok) throw new Error(`state does not fit the model: ${tree.faults[0]!.path} ${tree.faults[0]!.message}`);
    try {
      return await this.#model.read(tree.value, options, sources);
    } finally {
      await tree.value.dispose();
    }
  }

  async #gather(paths: readonly Path[], access: Access | undefined, isSmall: boolean): Promise<Answer<StateDocument>> {
    const document = new StateDocument((path) => this.#model.steps(path));
    let bulk = 0;
    for (const path of paths) {
      for (const source of this.#book.find(path)) {
        if (isSmall && source.isBulk) continue;
        for await (const rows of this.#book.readSource(source, path)) {
          if (source.isBulk) bulk += rows.length;
          if (bulk > MOST_BULK_ROWS) return refused(tooMany(source.path));
          for (const row of access === undefined ? rows : readableRows(rows, access)) document.add(row);
        }
      }
    }
    return { ok: true, value: document };
  }

  /** As octets until it is whole: a text of many small ones would be put together at one go when it is first looked at. */
  async #text(document: StateDocument): Promise<string> {
    const chunks: Uint8Array[] = [];
    let started = this.#clock.monotonic();
    let text = "";
    for (const piece of document.pieces()) {
      text += piece;
      if (text.length < CHUNK) continue;
      chunks.push(Buffer.from(text));
      text = "";
      if (this.#clock.monotonic() - started < SLICE) continue;
      await new Promise<void>((resolve) => this.#clock.soon(resolve));
      started = this.#clock.monotonic();
    }
    chunks.push(Buffer.from(text));
    return Buffer.concat(chunks).toString();
  }
}

function tooMany(path: Path) {
  const message = `more than ${MOST_BULK_ROWS} entries of one answer are here: select fewer, by a filter with their keys`;
  return fault("too-big", message, { path: formatPath(path) });
}
