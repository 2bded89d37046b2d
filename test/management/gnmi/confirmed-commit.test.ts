import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { RawClient } from "../netconf/raw-client.ts";
import {
  ADDRESS,
  type GnmiClient,
  type GnmiRouter,
  PASSWORD,
  refusal,
  startGnmiRouter,
  update,
} from "./gnmi-router.ts";

const NETCONF_PORT = 830;
const PATH = "/router/taxonomy/capability[name=/vision/ocr][major-version=1]/description";
const CAPABILITY =
  '<router xmlns="urn:semrd:yang:semrd-router"><taxonomy xmlns="urn:semrd:yang:semrd-taxonomy"><capability><name>/vision/ocr</name><major-version>1</major-version>';
const CLOSED = "</capability></taxonomy></router>";
const OK = /<ok\/>/;
const EVENTS = "urn:ietf:params:xml:ns:yang:ietf-netconf-notifications";

const set = (text: string): object => ({ update: [update(PATH, text)] });
const commit = (id: string, action: object): { extension: object[] } => ({
  extension: [{ commit: { id, ...action } }],
});
const begun = (seconds: number): object => ({ commit: { rollback_duration: { seconds, nanos: 0 } } });
const confirmed = (more: string): string => `<commit><confirmed/>${more}</commit>`;

/** @see RFC 6241 §8.4; gNMI commit confirmed extension §3 */
describe("NETCONF and gNMI have one confirmed commit", () => {
  let router: GnmiRouter;
  let gnmi: GnmiClient;
  let netconf: RawClient;
  let other: RawClient;
  before(async () => {
    const listen = [{ address: ADDRESS, port: NETCONF_PORT }];
    router = await startGnmiRouter({}, {}, { management: { "semrd-netconf:netconf": { ssh: { listen } } } });
    gnmi = router.client();
    const login = { host: ADDRESS, port: NETCONF_PORT, username: "admin", password: PASSWORD };
    [netconf, other] = await Promise.all([RawClient.open(login), RawClient.open(login)]);
    await gnmi.set(set("first"));
  });
  after(async () => {
    await netconf?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
    await router?.[Symbol.asyncDispose]();
  });

  const edited = async (text: string): Promise<void> => {
    const config = `${CAPABILITY}<description>${text}</description>${CLOSED}`;
    const rpc = `<edit-config><target><candidate/></target><config>${config}</config></edit-config>`;
    assert.match(await netconf.rpc(rpc), OK);
  };
  /** What both say it is. */
  const both = async (): Promise<unknown> => {
    const filter = `<filter type="subtree">${CAPABILITY}<description/>${CLOSED}</filter>`;
    const answer = await netconf.rpc(`<get-config><source><running/></source>${filter}</get-config>`);
    const read = /<description>(.*)<\/description>/.exec(answer)?.[1];
    assert.equal(await gnmi.value(PATH), read);
    return read;
  };

  it("one that NETCONF began is told to gNMI, which has to know its persist-id", async () => {
    await edited("by NETCONF");
    assert.match(await netconf.rpc(confirmed("<persist>n1</persist>")), OK);
    assert.equal(await both(), "by NETCONF");

    const plain = await refusal(gnmi.set(set("x")));
    assert.equal(plain.code, status.FAILED_PRECONDITION);
    assert.match(plain.details, /a confirmed commit of admin \(netconf\S*\) waits for its confirmation/);
    const second = await refusal(gnmi.set({ ...set("x"), ...commit("g1", begun(60)) }));
    assert.equal(second.code, status.FAILED_PRECONDITION);
    assert.match(second.details, /a commit of admin by netconf\S* waits to be confirmed until \d{4}-/);
    for (const action of ["confirm", "cancel"]) {
      const wrong = await refusal(gnmi.set(commit("g1", { [action]: {} })));
      assert.equal(wrong.code, status.INVALID_ARGUMENT);
      assert.match(wrong.details, /the commit that waits has another id than g1/);
    }
    assert.equal(await both(), "by NETCONF");

    await gnmi.set(commit("n1", { confirm: {} }));
    assert.match(
      await netconf.rpc("<cancel-commit><persist-id>n1</persist-id></cancel-commit>"),
      /<error-tag>invalid-value</,
    );
    assert.equal(await both(), "by NETCONF");
    await gnmi.set(set("first"));
  });

  it("gNMI cancels one of NETCONF", async () => {
    await edited("to be cancelled");
    assert.match(await netconf.rpc(confirmed("<persist>n2</persist>")), OK);
    await gnmi.set(commit("n2", { cancel: {} }));
    assert.equal(await both(), "first");
    assert.match(await netconf.rpc("<commit><persist-id>n2</persist-id></commit>"), /<error-tag>invalid-value</);
    assert.match(await netconf.rpc("<discard-changes/>"), OK);
  });

  it("one of a NETCONF session alone is not for gNMI, whatever id it says", async () => {
    await edited("of the session");
    assert.match(await netconf.rpc(confirmed("")), OK);
    for (const action of ["confirm", "cancel"]) {
      const refused = await refusal(gnmi.set(commit("n3", { [action]: {} })));
      assert.equal(refused.code, status.INVALID_ARGUMENT);
    }
    assert.equal((await refusal(gnmi.set(set("x")))).code, status.FAILED_PRECONDITION);
    assert.match(await netconf.rpc("<cancel-commit/>"), OK);
    assert.equal(await both(), "first");
    assert.match(await netconf.rpc("<discard-changes/>"), OK);
  });

  it("NETCONF cancels and confirms what gNMI began by its id, and is refused without", async () => {
    for (const [id, rpc, left] of [
      ["g4", "<cancel-commit><persist-id>g4</persist-id></cancel-commit>", "first"],
      ["g5", "<commit><persist-id>g5</persist-id></commit>", "by gNMI"],
    ] as const) {
      await gnmi.set({ ...set("by gNMI"), ...commit(id, begun(60)) });
      assert.equal(await both(), "by gNMI");
      for (const refused of [
        "<commit/>",
        "<cancel-commit/>",
        '<edit-config><target><running/></target><config><router xmlns="urn:semrd:yang:semrd-router"><name>r2</name></router></config></edit-config>',
        confirmed(""),
      ]) {
        const answer = await netconf.rpc(refused);
        assert.match(answer, /<error-tag>(in-use|invalid-value|operation-failed)</, refused);
        assert.match(answer, /persist-id/, refused);
      }
      for (const wrong of ["<commit>", "<cancel-commit>"]) {
        const answer = await netconf.rpc(`${wrong}<persist-id>g0</persist-id></${wrong.slice(1)}`);
        assert.match(answer, /<error-tag>invalid-value</);
        assert.match(answer, /another persist-id/);
      }
      assert.match(await netconf.rpc("<lock><target><running/></target></lock>"), /<error-tag>lock-denied</);
      assert.match(await netconf.rpc(rpc), OK);
      assert.equal(await both(), left);
      const over = await refusal(gnmi.set(commit(id, { confirm: {} })));
      assert.equal(over.code, status.FAILED_PRECONDITION);
      assert.match(over.details, /no commit waits to be confirmed/);
    }
    await gnmi.set(set("first"));
  });

  it("the time of each runs out for both", async () => {
    assert.match(await other.rpc('<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>'), OK);
    const one = { path: (update(PATH, "") as { path: object }).path, mode: "ON_CHANGE" };
    const changes = gnmi.subscribe({ mode: "STREAM", subscription: [one] });
    await changes.synced();
    const seen = (): unknown[] => changes.leaves.map(([, value]) => value);

    await gnmi.set({ ...set("too late 1"), ...commit("g6", begun(1)) });
    await changes.until(() => seen().join() === "first,too late 1,first", "the way back of gNMI's");
    await edited("too late 2");
    assert.match(await netconf.rpc(confirmed("<confirm-timeout>1</confirm-timeout><persist>n6</persist>")), OK);
    await changes.until(() => seen().slice(3).join() === "too late 2,first", "the way back of NETCONF's");
    assert.equal(await both(), "first");

    const told: string[] = [];
    while (told.length < 4) {
      const event = await other.answer();
      const confirm = event.includes(EVENTS) && /<confirm-event>([\w-]+)</.exec(event);
      if (confirm) told.push(confirm[1]!);
    }
    assert.deepEqual(told, ["start", "timeout", "start", "timeout"]);
    assert.match(await netconf.rpc("<commit><persist-id>g6</persist-id></commit>"), /<error-tag>invalid-value</);
    const over = await refusal(gnmi.set(commit("n6", { confirm: {} })));
    assert.equal(over.code, status.FAILED_PRECONDITION);
    changes.cancel();
  });
});
