import assert from "node:assert/strict";
import { it } from "node:test";
import { loadNative } from "../../native/index.ts";
import { atRestart } from "../../src/daemon/live/at-restart.ts";
import { parseConfiguration, type RouterChange } from "../../src/management/index.ts";
import { ALL_FILES, type Editable, edited } from "../management/documents.ts";
import { pair, stores } from "../management/stores.ts";

const PARTS = { yang: loadNative().yang, files: ALL_FILES };
const PAIRS = { r2: ["r2.pem", "r2.key"], executor: ["card.pem", "card.key"] } as const;

/** A router whose executor is known by a pair and a bag of the stores, after a change of them. */
const configuration = (change: (router: Editable) => void = () => {}) =>
  parseConfiguration(
    edited((router) => {
      Object.assign(router, stores({ pairs: PAIRS, bags: { cards: ["cards.pem"], others: ["others.pem"] } }));
      Object.assign(router["semrd-dataplane:dataplane"], {
        driver: "fib-service",
        "fib-service": { address: "2001:db8::7", tls: { ...pair("executor"), "ca-certs": "cards" } },
      });
      change(router);
    }),
    "/etc/semrd",
    PARTS,
  );

const CASES = [
  { name: "its own key", store: "keystore", list: "asymmetric-keys/asymmetric-key", entry: "executor", waits: true },
  {
    name: "the key of somebody else",
    store: "keystore",
    list: "asymmetric-keys/asymmetric-key",
    entry: "r2",
    waits: false,
  },
  {
    name: "its authorities",
    store: "truststore",
    list: "certificate-bags/certificate-bag",
    entry: "cards",
    waits: true,
  },
  { name: "other ones", store: "truststore", list: "certificate-bags/certificate-bag", entry: "others", waits: false },
] as const;

for (const { name, store, list, entry, waits } of CASES) {
  it(`another file of ${name}: ${waits ? "a commit says that the executor waits for the restart" : "it is live"}`, async () => {
    const [container, member] = list.split("/") as [string, string];
    const [before, after] = [
      await configuration(),
      await configuration((router) => {
        const own = router[`semrd-${store}:${store}`][container][member].find((one: Editable) => one.name === entry);
        const [file] = (own.certificates ?? own).certificate;
        file["certificate-file"] = "new.pem";
      }),
    ];
    const steps = [
      ...[{ name: "semrd-router:router" }, { name: `semrd-${store}:${store}` }, { name: container }],
      ...[{ name: member, keys: { name: entry } }, { name: "certificate-file" }],
    ];
    const change = {
      ...{ before, after, intended: after, sections: new Set([store]), agents: { put: [], removed: [] } },
      changes: [{ path: steps, operation: "change" }],
    } satisfies RouterChange;
    const planned = await atRestart.plan(change);
    assert.ok(planned.ok);
    assert.deepEqual(
      planned.value.map(({ when }) => when),
      waits ? ["at-restart"] : [],
    );
  });
}
