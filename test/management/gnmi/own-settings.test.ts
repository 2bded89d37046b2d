import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { connect } from "node:tls";
import { status } from "@grpc/grpc-js";
import {
  ADDRESS,
  certificate,
  GnmiClient,
  type GnmiRouter,
  gnmiPath,
  PASSWORD,
  PORT,
  refusal,
  type Stream,
  startGnmiRouter,
  update,
} from "./gnmi-router.ts";

const GRPC = "/router/management/grpc";
const LEVEL = "/router/telemetry/log-level";
const OTHER = PORT + 1;

/** Each Set comes by the server that it changes, while somebody else subscribes there. */
describe("a change of the gNMI server's own settings", () => {
  let router: GnmiRouter;
  let gnmi: GnmiClient;
  let watching: Stream;
  let levels = 0;
  let isOff = false;

  before(async () => {
    router = await startGnmiRouter();
    await certificate(router.folder, "next", ["-subj", "/CN=next", "-addext", `subjectAltName=IP:${ADDRESS}`]);
    gnmi = router.client();
  });
  after(async () => {
    gnmi?.close();
    await router?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    if (isOff) return;
    watching = gnmi.subscribe({ mode: "STREAM", subscription: [{ path: gnmiPath(LEVEL), mode: "ON_CHANGE" }] });
    await watching.synced();
  });

  /** What was open before is told of what comes after, and new calls are answered. */
  const unharmed = async (): Promise<void> => {
    const level = ["debug", "info", "warn"][levels++ % 3];
    const before = watching.responses.length;
    await gnmi.set({ update: [update(LEVEL, level)] });
    await watching.until(() => watching.responses.length > before, "the change");
    assert.equal(watching.error, undefined);
    watching.cancel();
  };
  /** Whom the server at `port` says it is. */
  const shown = async (port: number): Promise<string> => {
    const socket = connect({ host: ADDRESS, port, ALPNProtocols: ["h2"], rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return String(CN);
  };

  for (const [leaf, value] of [
    ["maximum-subscriptions", 2],
    ["maximum-message-size", 65_536],
    ["idle-timeout", 600],
  ] as const)
    it(`${leaf}: it is answered, and ends nothing`, async () => {
      await gnmi.set({ update: [update(`${GRPC}/${leaf}`, value)] });
      await unharmed();
    });

  it("limits are those of the next call", async () => {
    const long = "x".repeat(70_000);
    const path = "/router/taxonomy/capability[name=/vision/ocr][major-version=1]/description";
    assert.equal((await refusal(gnmi.set({ update: [update(path, long)] }))).code, status.RESOURCE_EXHAUSTED);
    const second = gnmi.subscribe({ mode: "STREAM", subscription: [{ path: gnmiPath(LEVEL), mode: "ON_CHANGE" }] });
    await second.synced();
    const third = gnmi.subscribe({ mode: "STREAM", subscription: [{ path: gnmiPath(LEVEL), mode: "ON_CHANGE" }] });
    await third.over();
    assert.equal(third.error?.code, status.RESOURCE_EXHAUSTED);
    second.cancel();
    await unharmed();
    await gnmi.set({ delete: [gnmiPath(`${GRPC}/maximum-subscriptions`), gnmiPath(`${GRPC}/maximum-message-size`)] });
  });

  it("one more address, and one less: who came by it stays", async () => {
    await gnmi.set({ update: [update(GRPC, { listen: [{ address: ADDRESS, port: OTHER }] })] });
    assert.equal(await shown(OTHER), "router");
    await unharmed();
    const late = gnmi.subscribe({ mode: "STREAM", subscription: [{ path: gnmiPath(LEVEL), mode: "ON_CHANGE" }] });
    await late.synced();
    await gnmi.set({ delete: [gnmiPath(`${GRPC}/listen[address=${ADDRESS}][port=${PORT}]`)] });
    const free = createServer().listen(PORT, ADDRESS);
    await once(free, "listening");
    free.close();
    await once(free, "close");
    await gnmi.set({ update: [update(GRPC, { listen: [{ address: ADDRESS, port: PORT }] })] });
    assert.equal(late.error, undefined);
    late.cancel();
    assert.equal(await shown(PORT), "router");
  });

  it("an address that cannot be listened on is refused, and nothing has changed", async () => {
    const taken = createServer().listen(OTHER + 1, ADDRESS);
    await once(taken, "listening");
    const listen = [{ address: ADDRESS, port: OTHER + 1 }];
    const refused = await refusal(gnmi.set({ update: [update(GRPC, { "maximum-subscriptions": 50, listen })] }));
    assert.match(refused.details, /EADDRINUSE/);
    const same = [{ address: "192.0.2.77", port: PORT }];
    const elsewhere = await refusal(gnmi.set({ update: [update(GRPC, { listen: same })] }));
    assert.match(elsewhere.details, /EADDRNOTAVAIL/);
    taken.close();
    assert.equal(await gnmi.value(`${GRPC}/maximum-subscriptions`), 128);
    await unharmed();
  });

  it("files that nobody could start with are a reason to refuse any change of the server, and only of it", async () => {
    const file = path.join(router.folder, "server.pem");
    const good = await readFile(file);
    await writeFile(file, "no certificate");
    const refused = await refusal(gnmi.set({ update: [update(`${GRPC}/maximum-subscriptions`, 50)] }));
    assert.match(refused.details, /the certificate of gNMI cannot be used/);
    await unharmed();
    await writeFile(file, good);
    await gnmi.set({ update: [update(`${GRPC}/maximum-subscriptions`, 50)] });
  });

  it("another certificate is for who comes from then on", async () => {
    const pair = { name: "next", "private-key-file": "next.key" };
    const certificates = { certificate: [{ name: "next", "certificate-file": "next.pem" }] };
    await gnmi.set({
      update: [
        update("/router/keystore/asymmetric-keys", { "asymmetric-key": [{ ...pair, certificates }] }),
        update(GRPC, { tls: { "asymmetric-key": "next", certificate: "next" } }),
      ],
    });
    assert.equal(await shown(PORT), "next");
    const earlier = gnmi;
    const ca = await readFile(path.join(router.folder, "next.pem"));
    gnmi = new GnmiClient(ca, { username: "admin", password: PASSWORD });
    assert.equal(await gnmi.value(LEVEL), ["warn", "debug", "info"][levels % 3]);
    assert.equal(watching.error, undefined);
    earlier.close();
  });

  it("who switches gNMI off has his answer, and streams are told why they end", async () => {
    const next = gnmi.subscribe({ mode: "STREAM", subscription: [{ path: gnmiPath(LEVEL), mode: "ON_CHANGE" }] });
    await next.synced();
    isOff = true;
    await gnmi.set({ delete: [gnmiPath(`${GRPC}/listen`)] });
    await next.over();
    assert.deepEqual(
      [next.error?.code, next.error?.details],
      [status.UNAVAILABLE, "gNMI is switched off by the configuration"],
    );
    assert.equal((await refusal(gnmi.value(LEVEL))).code, status.UNAVAILABLE);
  });

  it("switched on again it serves; streams are told when the process ends", async () => {
    await router.process.ctl("config", "set", "management", "grpc", "listen", ADDRESS, String(PORT));
    await router.process.ctl("config", "commit");
    const again = new GnmiClient(await readFile(path.join(router.folder, "next.pem")), {
      ...{ username: "admin", password: PASSWORD },
    });
    const last = again.subscribe({ mode: "STREAM", subscription: [{ path: gnmiPath(LEVEL), mode: "ON_CHANGE" }] });
    await last.synced();
    assert.equal(await router.process.end("SIGTERM"), 0);
    await last.over();
    again.close();
    assert.deepEqual([last.error?.code, last.error?.details], [status.UNAVAILABLE, "the server ends"]);
  });
});
