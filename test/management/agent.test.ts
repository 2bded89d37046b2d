import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIpv6 } from "../../src/base/index.ts";
import { type AgentRequest, ConfigurationError, parseAgent, parseConfiguration } from "../../src/management/index.ts";
import { ALL_FILES, R2 } from "./documents.ts";

const running = await parseConfiguration(R2, "/etc/semrd", { files: ALL_FILES });

const REQUEST: AgentRequest = {
  id: "spiffe://example.net/acme/agent/ocr-c",
  tenant: "acme",
  capability: [{ name: "/vision/ocr", "major-version": 1, address: "FD00:A:21:0::11", port: 8080 }],
};

async function linesOf(text: string): Promise<readonly string[]> {
  try {
    await parseAgent(text, running);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.lines();
    throw error;
  }
}

describe("an agent that is added by command", () => {
  it("is read by the model of the configuration, with its defaults", async () => {
    assert.deepEqual(await parseAgent(JSON.stringify(REQUEST), running), {
      id: REQUEST.id,
      tenant: "acme",
      instances: [
        {
          capability: "/vision/ocr",
          version: { major: 1, minor: 0 },
          endpoint: { address: parseIpv6("fd00:a:21::11"), port: 8080, protocol: "tcp" },
          servicePort: 80,
          weight: 10,
          labels: [],
        },
      ],
    });
  });

  const first = { ...REQUEST.capability[0]!, address: "fd00:a:21::11" };
  const INVALID: readonly { name: string; text: string; want: readonly string[] }[] = [
    {
      name: "a tenant and a capability that this router does not know",
      text: JSON.stringify({ ...REQUEST, tenant: "nobody", capability: [{ ...first, name: "/vision/faces" }] }),
      want: [
        "1: /agent[id='spiffe://example.net/acme/agent/ocr-c']/tenant is \"nobody\": no /router/tenants/tenant/name has this value",
        "1: /agent[id='spiffe://example.net/acme/agent/ocr-c']/capability[name='/vision/faces'][major-version='1'][address='fd00:a:21::11'][port='8080']: this capability, in this major version, is not in the taxonomy",
      ],
    },
    {
      name: "a wrong value on line 3",
      text: JSON.stringify(REQUEST, undefined, 1).replace('"acme"', "7"),
      want: ["3: /agent[id='spiffe://example.net/acme/agent/ocr-c']/tenant is 7: a string is expected"],
    },
    {
      name: "what is not there",
      text: "{}",
      want: ["1: /agent[1]: the entry has no id, which is its key"],
    },
    {
      name: "no JSON",
      text: "{",
      want: ["1: not JSON: column 2: a member name in quotes is expected here, not the end of the text"],
    },
    { name: "no object", text: "[]", want: ["an agent is a JSON object with id, tenant and capability"] },
    {
      name: "two objects, or an attempt to get out of the list",
      text: `${JSON.stringify(REQUEST)}]},"name":"other","x":{"y":[{}`,
      want: [
        `1: not JSON: column ${JSON.stringify(REQUEST).length + 1}: the end of the text is expected here, not "]"`,
      ],
    },
    {
      name: "an address of the domain's prefix",
      text: JSON.stringify({ ...REQUEST, capability: [{ ...first, address: "fd5e:3d00:1::1" }] }),
      want: [
        "1: /agent[id='spiffe://example.net/acme/agent/ocr-c']/capability[name='/vision/ocr'][major-version='1'][address='fd5e:3d00:1::1'][port='8080']/address is \"fd5e:3d00:1::1\": an agent's own address cannot be inside the domain's prefix, which is for capability addresses",
      ],
    },
  ];
  for (const { name, text, want } of INVALID)
    it(`is refused: ${name}`, async () => assert.deepEqual(await linesOf(text), want));
});
