import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import { type GnmiClient, type GnmiRouter, gnmiPath, PASSWORD, refusal } from "./gnmi-router.ts";
import { framed, rawCall } from "./raw-call.ts";

const words = (text = ""): object => ({
  origin: "cli",
  elem: text === "" ? [] : text.split(" ").map((name) => ({ name, key: {} })),
});
const ascii = (...lines: readonly string[]): object => ({ path: words(), val: { ascii_val: lines.join("\n") } });

export const cliOriginCases = (given: () => GnmiRouter): Promise<void> =>
  describe("gNMI: origin cli", () => {
    let router: GnmiRouter;
    let client: GnmiClient;
    before(async () => {
      router = given();
      client = router.client();
    });

    const shown = async (text = "", who = client): Promise<string> => {
      const { notification } = await who.call("Get", { path: [words(text)], encoding: "ASCII" });
      const [{ val, path }] = notification[0].update;
      assert.equal(notification[0].prefix.origin, "cli");
      assert.deepEqual(
        path.elem.map(({ name }: { name: string }) => name),
        text === "" ? [] : text.split(" "),
      );
      return val.ascii_val;
    };

    it("gets all, a container, a list entry and a leaf in the words of semrctl configure", async () => {
      assert.equal(await shown("name"), "set name r1\n");
      assert.equal(
        await shown("tenants tenant acme"),
        [
          "set tenants tenant acme index 1",
          "set tenants tenant acme route-distinguisher 0:65000:1",
          "set tenants tenant acme import-target 65000:1",
          "set tenants tenant acme export-target 65000:1",
          "",
        ].join("\n"),
      );
      assert.match(await shown("tenants tenant"), /^set tenants tenant acme index 1\n/);
      const all = await shown();
      assert.match(all, /^set name r1$/m);
      assert.match(all, /^set nacm groups group admins user-name admin$/m);
      assert.match(all, /^set taxonomy capability \/vision\/ocr 1 description /m);
    });

    it("what it gets can be set again: it is all that there is", async () => {
      const all = await shown();
      const before = await client.value("/", { type: "CONFIG" });
      await client.set({ replace: [{ path: words(), val: { ascii_val: all } }] });
      assert.deepEqual(await client.value("/", { type: "CONFIG" }), before);
      assert.equal(await shown(), all);
    });

    it("sets and deletes by lines, as one transaction with everything else", async () => {
      const answer = await client.set({
        update: [
          ascii(
            "# a tenant",
            "set tenants tenant beta index 2 route-distinguisher 0:65000:2 import-target [ 65000:2 65000:3 ] export-target 65000:2",
            "",
            'set taxonomy capability /vision/ocr 1 description "reads text"',
          ),
          { path: gnmiPath("/router/telemetry/log-level"), val: { string_val: "debug" } },
        ],
      });
      assert.deepEqual(
        answer.response.map(({ op }: { op: string }) => op),
        ["UPDATE", "UPDATE"],
      );
      assert.deepEqual(await client.value("/router/tenants/tenant[name=beta]/import-target"), ["65000:2", "65000:3"]);
      assert.equal(await client.value("/router/telemetry/log-level"), "debug");
      await client.set({ update: [ascii("delete tenants tenant beta", "set telemetry log-level info")] });
      assert.equal((await refusal(client.get(["/router/tenants/tenant[name=beta]"]))).code, status.NOT_FOUND);
    });

    it("refuses what it cannot read, with line and column, and does nothing of it", async () => {
      const sets: readonly [object, RegExp][] = [
        [
          { update: [ascii("set telemetry log-level warn", "set tenats tenant x index 3")] },
          /line 2, column 5 \(tenats\): .*tenants/,
        ],
        [{ update: [ascii('set name "r2')] }, /line 1, column 10.*not closed/],
        [{ update: [ascii("commit")] }, /line 1.*set or delete/],
        [{ update: [ascii("set tenants tenant")] }, /its name is expected/],
        [{ update: [{ path: words(), val: { string_val: "set name x" } }] }, /ascii_val/],
        [{ update: [{ path: words("name"), val: { ascii_val: "x" } }] }, /empty in Set/],
        [{ delete: [words("name")] }, /lines of delete/],
        [{ union_replace: [ascii("set name x")] }, /union_replace/],
        [{ update: [ascii("set telemetry log-level warn", "set telemetry log-level loud")] }, /log-level/],
      ];
      for (const [request, why] of sets) {
        const refused = await refusal(client.set(request));
        assert.equal(refused.code, status.INVALID_ARGUMENT, refused.details);
        assert.match(refused.details, why);
      }
      assert.notEqual(await client.value("/router/telemetry/log-level"), "warn");
      const gets: readonly [object, number, RegExp][] = [
        [{ path: [words("nonsense")], encoding: "ASCII" }, status.INVALID_ARGUMENT, /column 1 \(nonsense\)/],
        [{ path: [words("tenants tenant nobody")], encoding: "ASCII" }, status.NOT_FOUND, /no data/],
        [{ path: [words()], encoding: "JSON_IETF" }, status.INVALID_ARGUMENT, /ASCII/],
        [{ path: [words()], encoding: "ASCII", type: "STATE" }, status.INVALID_ARGUMENT, /CONFIG/],
        [{ path: [words(), gnmiPath("/router")], encoding: "ASCII" }, status.INVALID_ARGUMENT, /do not go together/],
        [{ path: [gnmiPath("/router")], encoding: "ASCII" }, status.UNIMPLEMENTED, /encoding ASCII/],
        [
          { path: [{ origin: "cli", elem: [{ name: "tenants", key: { a: "b" } }] }], encoding: "ASCII" },
          ...([status.INVALID_ARGUMENT, /no keys/] as const),
        ],
      ];
      for (const [request, code, why] of gets) {
        const refused = await refusal(client.call("Get", request));
        assert.equal(refused.code, code, refused.details);
        assert.match(refused.details, why);
      }
      const { error } = await (async () => {
        const stream = client.subscribe({ mode: "ONCE", subscription: [{ path: words() }] });
        await stream.over();
        return stream;
      })();
      assert.equal(error?.code, status.UNIMPLEMENTED);
    });

    it("shows only what may be read, and changes nothing for who may not", async () => {
      const reader = router.client({ username: "reader", password: PASSWORD });
      const [own, other] = [await shown("management users", reader), await shown("management users")];
      assert.doesNotMatch(own, /password-hash/);
      assert.match(other, /^set management users user admin password-hash \$scrypt/m);
      const refused = await refusal(reader.set({ update: [ascii("set telemetry log-level warn")] }));
      assert.equal(refused.code, status.PERMISSION_DENIED);
    });

    it("a Set cut off at each octet, or with a bit flipped, is refused or carried out whole", async () => {
      const service = loadProto()["gnmi.gNMI"] as unknown as Record<
        string,
        { requestSerialize(value: object): Buffer }
      >;
      const message = service.Set!.requestSerialize({
        update: [ascii("set taxonomy capability /vision/ocr 1 description x")],
      });
      for (let length = 0; length < message.length; length += 5) {
        assert.notEqual(await rawCall(router, "/gnmi.gNMI/Set", framed(message.subarray(0, length))), -1);
      }
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: message.length * 8 - 1 }), async (bit) => {
          const flipped = Buffer.from(message);
          flipped[bit >> 3]! ^= 1 << (bit & 7);
          assert.notEqual(await rawCall(router, "/gnmi.gNMI/Set", framed(flipped)), -1);
        }),
        { numRuns: 25 },
      );
      assert.equal(await client.value("/router/name"), "r1");
    });
  });
