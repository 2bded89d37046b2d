import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { printReply } from "../../../src/management/netconf/reply.ts";
import { escapeXml, firstElement, parseHello } from "../../../src/management/netconf/xml.ts";

const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0";

describe("hello of a client", () => {
  it("has capabilities, whatever its prefixes", () => {
    const text = `<?xml version="1.0"?><nc:hello xmlns:nc="${BASE}"><nc:capabilities><nc:capability>
      urn:ietf:params:netconf:base:1.1 </nc:capability><nc:capability>urn:x?a=1&amp;b=2</nc:capability></nc:capabilities></nc:hello>`;
    assert.deepEqual(parseHello(text), {
      ok: true,
      capabilities: ["urn:ietf:params:netconf:base:1.1", "urn:x?a=1&b=2"],
    });
  });

  for (const [what, text, reason] of [
    ["no XML", "hello", /./],
    ["another element", `<rpc xmlns="${BASE}"/>`, /the first message is rpc/],
    ["another namespace", `<hello xmlns="urn:x"/>`, /namespace urn:x/],
    ["a session-id", `<hello xmlns="${BASE}"><session-id>4</session-id></hello>`, /no session-id/],
    ["a document type", `<!DOCTYPE hello [<!ENTITY a "b">]><hello xmlns="${BASE}"/>`, /document type/],
    ["an entity of its own", `<hello xmlns="${BASE}">&a;</hello>`, /entity/],
    ["an end that does not come", `<hello xmlns="${BASE}">`, /unclosed/],
  ] as const) {
    it(`is refused with ${what}`, () => {
      const hello = parseHello(text);
      assert.equal(hello.ok, false);
      assert.match(hello.ok ? "" : hello.reason, reason);
    });
  }
});

it("the first element of a broken message is found, and none where it is not XML", () => {
  const text = `<rpc message-id="7" xmlns="${BASE}" a="&lt;"><get></rpc`;
  assert.deepEqual(firstElement(text), {
    name: "rpc",
    namespace: BASE,
    attributes: { "message-id": "7", xmlns: BASE, a: "<" },
  });
  for (const broken of ["", "rpc", "<rpc message-id=7>", "<rpc", "<a:rpc/>"])
    assert.equal(firstElement(broken), undefined, broken);
});

it("what XML cannot carry is replaced", () =>
  assert.equal(escapeXml("a\u0000<\u001f\ufffe&'\"\t\n"), "a\ufffd&lt;\ufffd\ufffd&amp;&apos;&quot;\t\n"));

describe("replies", () => {
  const namespaceOf = (module: string): string | undefined => ({ m: "urn:m", n: "urn:n" })[module];

  it("send the attributes of the request back", () => {
    const text = printReply(
      { "message-id": "1<", "xmlns:x": "urn:x", "x:a": "b", xmlns: "urn:other" },
      { kind: "ok" },
      namespaceOf,
    );
    assert.equal(text, `<rpc-reply message-id="1&lt;" xmlns:x="urn:x" x:a="b" xmlns="${BASE}"><ok/></rpc-reply>`);
  });

  it("say all of a fault, its path with declared prefixes", () => {
    const text = printReply(
      { "message-id": "1" },
      {
        kind: "faults",
        faults: [
          {
            ...{
              errorType: "application",
              errorTag: "data-missing",
              errorSeverity: "error",
              appTag: "instance-required",
            },
            ...{ path: "/m:a/b[k='x<y']/n:c/d[.='v']", message: "no <such>", info: { badElement: "d", sessionId: 4 } },
          },
        ],
      },
      namespaceOf,
    );
    assert.equal(
      text,
      `<rpc-reply message-id="1" xmlns="${BASE}"><rpc-error><error-type>application</error-type><error-tag>data-missing</error-tag>` +
        `<error-severity>error</error-severity><error-app-tag>instance-required</error-app-tag>` +
        `<error-path xmlns:m="urn:m" xmlns:n="urn:n">/m:a/m:b[m:k=&apos;x&lt;y&apos;]/n:c/n:d[.=&apos;v&apos;]</error-path>` +
        `<error-message xml:lang="en">d: no &lt;such&gt;</error-message>` +
        `<error-info><session-id>4</session-id><bad-element>d</bad-element></error-info></rpc-error></rpc-reply>`,
    );
  });

  it("name the node in the message, once", () => {
    const said = (message: string, path?: string): string =>
      /<error-message[^>]*>([^<]*)</.exec(
        String(
          printReply(
            {},
            {
              kind: "faults",
              faults: [
                {
                  ...{ errorType: "application", errorTag: "invalid-value", errorSeverity: "error", message },
                  ...(path === undefined ? {} : { path }),
                },
              ],
            },
            namespaceOf,
          ),
        ),
      )![1]!;
    assert.equal(said("out of range", "/m:a/b[k='x']/index"), "index: out of range");
    assert.equal(said("there already", "/m:a/b[k='x']"), "b[k=&apos;x&apos;]: there already");
    assert.equal(said("there is no index here", "/m:a/index"), "there is no index here");
    assert.equal(said("locked"), "locked");
  });
});
