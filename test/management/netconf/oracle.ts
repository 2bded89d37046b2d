import assert from "node:assert/strict";
import { SaxesParser } from "saxes";
import type { Step } from "./cases.ts";

/** What an `<rpc-error>` says, but for the sentence that is for people. */
export interface WantedError {
  readonly type: "transport" | "rpc" | "protocol" | "application";
  readonly tag: string;
  readonly appTag?: string;
  /** With modules' names for prefixes. */
  readonly path?: string;
  readonly badElement?: string;
  readonly badAttribute?: string;
  readonly badNamespace?: string;
  readonly sessionId?: string;
}

export interface ReadReply {
  readonly ok: boolean;
  readonly errors: readonly WantedError[];
  /** Sentences of the errors. */
  readonly messages: readonly string[];
}

const NAMES: Readonly<Record<string, keyof WantedError>> = {
  "error-type": "type",
  "error-tag": "tag",
  "error-app-tag": "appTag",
  "error-path": "path",
  "bad-element": "badElement",
  "bad-attribute": "badAttribute",
  "bad-namespace": "badNamespace",
  "session-id": "sessionId",
};
const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0";

/**
 * Reads an `<rpc-reply>` as a client does that knows nothing of this server.
 *
 * @throws where it is not well-formed, has an unbound prefix, or an error lacks what RFC 6241 §4.3 asks of each
 */
export function readReply(xml: string): ReadReply {
  const errors: Record<string, string>[] = [];
  const messages: string[] = [];
  const trail: string[] = [];
  let ok = false;
  let text = "";
  let bound: Readonly<Record<string, string>> = {};
  const parser = new SaxesParser({ xmlns: true });
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", (tag) => {
    trail.push(tag.uri === BASE ? tag.local : `{${tag.uri}}${tag.local}`);
    text = "";
    if (trail.join(" ") === "rpc-reply rpc-error") errors.push({});
    if (tag.local === "error-path") bound = tag.ns;
  });
  parser.on("text", (part) => {
    text += part;
  });
  parser.on("closetag", () => {
    const at = trail.join(" ");
    const name = trail.pop()!;
    if (at === "rpc-reply ok") ok = true;
    if (!at.startsWith("rpc-reply rpc-error ")) return;
    if (name === "error-message") messages.push(text);
    if (name === "error-severity" && text !== "error") throw new Error(`a severity of ${text}`);
    if (name === "error-path") checkBound(text, bound);
    const key = NAMES[name];
    if (key !== undefined) errors.at(-1)![key] = text;
  });
  parser.write(xml).close();
  if (messages.length !== errors.length || messages.some((message) => message.length < 8)) {
    throw new Error(`an error without a sentence: ${xml}`);
  }
  return { ok, errors: errors as unknown as WantedError[], messages };
}

/** Every prefix of an error-path is declared on its element, or around it. */
function checkBound(path: string, bound: Readonly<Record<string, string>>): void {
  const outside = path.replaceAll(/'[^']*'|"[^"]*"/g, "");
  for (const [, prefix] of outside.matchAll(/([A-Za-z_][\w.-]*):/g)) {
    if (bound[prefix!] === undefined) throw new Error(`${path}: nothing declares ${prefix}`);
  }
}

/** Whether an answer is what the step says; `meant` puts in what only the run knows. @throws {AssertionError} */
export function check(
  { rpc, ok, errors = [], has = [], lacks = [] }: Exclude<Step, { notified: string }>,
  answer: string,
  meant: (text: string) => string,
): void {
  const reply = readReply(answer);
  const saying = `to ${rpc} the answer was ${answer}`;
  if (has.every((part) => !part.includes("rpc-error") && !part.includes("error-"))) {
    assert.deepEqual(reply.errors, JSON.parse(meant(JSON.stringify(errors))), saying);
  }
  assert.equal(reply.ok, ok === true, saying);
  for (const part of has) assert.ok(answer.includes(part), `${part} is missing: ${saying}`);
  for (const part of lacks) assert.ok(!answer.includes(part), `${part} is there: ${saying}`);
}
