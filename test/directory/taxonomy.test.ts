import assert from "node:assert/strict";
import { it } from "node:test";
import { capabilityId, formatIpv6, parseCapabilityName } from "../../src/base/index.ts";
import type { DirectoryError } from "../../src/directory/index.ts";
import { OCR, SPEECH, taxonomy } from "./samples.ts";

it("a name means its lowest major version; each version of each tenant has an address of its own", () => {
  const known = taxonomy();
  assert.equal(known.plain(OCR)!.majorVersion, 1);
  assert.equal(known.find(OCR, 3), undefined);
  assert.equal(known.dnsName("acme", OCR), "ocr.vision.cap.acme.example.net");
  const text = (tenant: string, major: number): string => formatIpv6(known.address(tenant, OCR, major)!);
  assert.match(text("acme", 1), /^fd5e:3d00:1:1:1:[0-9a-f]+:[0-9a-f]+:0$/);
  assert.equal(new Set([text("acme", 1), text("acme", 2), text("globex", 1)]).size, 3);
  assert.equal(known.address("nobody", OCR, 1), undefined);
});

it("two capabilities whose addresses collide inside a tenant are refused with both names", () => {
  // Found by search: both capability IDs begin with 05 0f 1a 3c.
  const capabilities = ["/vision/c41320", "/vision/c45089"].map((name) => ({
    name: parseCapabilityName(name)!,
    majorVersion: 1,
    servicePort: 80,
    protocol: "tcp" as const,
  }));
  assert.throws(
    () => taxonomy({ capabilities }),
    (cause: DirectoryError) => {
      assert.equal(cause.code, "directory.address-collision");
      assert.match(cause.message, /c41320 version 1 and \/vision\/c45089 version 1 both hash to fd5e:/);
      return true;
    },
  );
});

it("a family without a code gets a hashed one", () => {
  const name = parseCapabilityName("/text/translate")!;
  const known = taxonomy({ capabilities: [{ name, majorVersion: 1, servicePort: 80, protocol: "tcp" }] });
  const address = known.address("acme", name, 1)!;
  assert.ok(address[8]! >= 0x80);
  assert.deepEqual(address.slice(10, 14), capabilityId(name, 1).slice(0, 4));
  assert.notDeepEqual(address, known.address("acme", SPEECH, 1));
});
