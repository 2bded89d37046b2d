import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Framing, framed, MessageFramer } from "../../../src/management/netconf/framing.ts";

const LIMIT = 10_000;

/** What comes out of `pieces`, until the stream ends or has no meaning any more. */
function read(framing: Framing, pieces: readonly Uint8Array[], limit = LIMIT) {
  const framer = new MessageFramer(limit);
  framer.framing = framing;
  const messages: string[] = [];
  for (const piece of pieces) {
    framer.push(piece);
    for (;;) {
      const next = framer.next();
      if (next.kind === "need-more") break;
      if (next.kind !== "message") return { messages, end: next.kind, framer };
      messages.push(Buffer.from(next.text).toString());
    }
  }
  return { messages, end: "need-more", framer };
}

const octets = (text: string): Uint8Array => Buffer.from(text);
const singly = (text: Uint8Array): Uint8Array[] => Array.from(text, (octet) => Uint8Array.of(octet));

function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return at.slice(1).map((end, i) => whole.subarray(at[i], end));
}

describe("end-of-message framing (RFC 6242 §4.3)", () => {
  it("finds messages however the stream is cut", () => {
    const text = octets("<a/>]]>]]><b>]]></b>]]>]]]>]]>");
    for (let i = 0; i <= text.length; i++) {
      const { messages } = read("end-of-message", [text.subarray(0, i), text.subarray(i)]);
      assert.deepEqual(messages, ["<a/>", "<b>]]></b>]]>]"]);
    }
    assert.deepEqual(read("end-of-message", singly(text)).messages, ["<a/>", "<b>]]></b>]]>]"]);
  });

  it("holds no more than the limit", () => {
    const { end } = read("end-of-message", [new Uint8Array(LIMIT), octets("x")]);
    assert.equal(end, "too-big");
    assert.equal(read("end-of-message", [new Uint8Array(LIMIT - 10), octets("]]>]]>")]).messages.length, 1);
  });
});

describe("chunked framing (RFC 6242 §4.2)", () => {
  it("joins the chunks of a message, cut anywhere", () => {
    const text = octets('\n#4\n<rpc\n#18\n message-id="102"/\n#1\n>\n##\n\n#3\n<b>\n##\n');
    const wanted = ['<rpc message-id="102"/>', "<b>"];
    for (let i = 0; i <= text.length; i++) {
      assert.deepEqual(read("chunked", [text.subarray(0, i), text.subarray(i)]).messages, wanted);
    }
    const { messages, framer } = read("chunked", singly(text));
    assert.deepEqual(messages, wanted);
    assert.equal(framer.idle, true);
  });

  for (const [what, text, end] of [
    ["a chunk of no octets", "\n#0\n\n##\n", "malformed"],
    ["a leading zero", "\n#04\nabcd\n##\n", "malformed"],
    ["no digits", "\n#\nabcd\n##\n", "malformed"],
    ["an end without a chunk", "\n##\n", "malformed"],
    ["a sign", "\n#-4\nabcd\n##\n", "malformed"],
    ["no line feed before the next chunk", "\n#4\nabcd#3\nabc\n##\n", "malformed"],
    ["more after the end mark", "\n#4\nabcd\n###", "malformed"],
    ["4294967296 octets", "\n#4294967296\n", "malformed"],
    ["4294967295 octets, which are announced only", "\n#4294967295\n", "too-big"],
    ["text without framing", "<rpc/>]]>]]>", "malformed"],
    ["a header that does not end", `\n#${"9".repeat(50)}`, "malformed"],
  ] as const) {
    it(`${what}: ${end}`, () => assert.equal(read("chunked", [octets(text)]).end, end));
  }

  it("a message may be as long as the limit, not longer", () => {
    const chunk = (size: number): Uint8Array => Buffer.concat([octets(`\n#${size}\n`), new Uint8Array(size)]);
    assert.equal(read("chunked", [chunk(LIMIT - 1), chunk(1), octets("\n##\n")]).messages.length, 1);
    assert.equal(read("chunked", [chunk(LIMIT), octets("\n#1\n")]).end, "too-big");
  });
});

describe("both framings", () => {
  const anyFraming = fc.constantFrom<Framing>("end-of-message", "chunked");
  const anyText = fc
    .string({ minLength: 1, maxLength: 300, unit: "binary" })
    .filter((text) => !text.includes("]]>]]>"));

  it("give back what was framed, in any cut", () => {
    fc.assert(
      fc.property(
        anyFraming,
        fc.array(anyText, { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.integer({ min: 1, max: 64 }),
        fc.array(fc.nat(), { maxLength: 3 }),
        (framing, texts, places, size, seams) => {
          // A text that ends in a piece of the mark would move it; a message ends in a tag.
          fc.pre(framing === "chunked" || texts.every((text) => `${text}]]>]]>`.indexOf("]]>]]>") === text.length));
          const sent = Buffer.concat(texts.flatMap((text) => [...framed(cut(octets(text), seams), framing, size)]));
          assert.deepEqual(
            read(framing, cut(sent, places)).messages,
            texts.map((text) => octets(text).toString()),
          );
        },
      ),
    );
  });

  it("any octets are messages, malformed, too big or not yet a message", () => {
    fc.assert(
      fc.property(
        anyFraming,
        fc.uint8Array({ maxLength: 400 }),
        fc.array(fc.nat(), { maxLength: 4 }),
        (framing, any, places) => {
          const whole = read(framing, [any], 100);
          const parts = read(framing, cut(any, places), 100);
          assert.equal(parts.end, whole.end);
          assert.deepEqual(parts.messages, whole.messages);
        },
      ),
    );
  });
});
