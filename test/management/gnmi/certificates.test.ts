import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { it } from "node:test";
import { ChannelCredentials, loadPackageDefinition, status } from "@grpc/grpc-js";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import { ADDRESS, certificate, type Message, PORT, refusal, signed, startGnmiRouter } from "./gnmi-router.ts";

it("mutual TLS: the user is whom the certificate names", async () => {
  await using router = await startGnmiRouter({ tls: { "client-ca-certs": "operators" } });
  const byCommonName = router.client({ certificate: await signed(router, "admin") });
  assert.equal(await byCommonName.value("/router/name"), "r1");
  const byAlternative = router.client({ certificate: await signed(router, "somebody", "DNS:admin") });
  assert.equal(await byAlternative.value("/router/name"), "r1");
  const nobody = router.client({ certificate: await signed(router, "nobody") });
  const refused = await refusal(nobody.get(["/router/name"]));
  assert.equal(refused.code, status.UNAUTHENTICATED);
  assert.match(refused.details, /nobody/);
});

it("mutual TLS: no certificate, or one of another authority, is no connection", async () => {
  await using router = await startGnmiRouter({ tls: { "client-ca-certs": "operators" } });
  assert.equal((await refusal(router.client().get(["/router/name"]))).code, status.UNAVAILABLE);
  await certificate(router.folder, "own", ["-subj", "/CN=admin"]);
  const own = {
    cert: await readFile(path.join(router.folder, "own.pem")),
    key: await readFile(path.join(router.folder, "own.key")),
  };
  assert.equal((await refusal(router.client({ certificate: own }).get(["/router/name"]))).code, status.UNAVAILABLE);

  const failed = (reason: string): RegExp =>
    new RegExp(`"source":"127.+:\\d+","reason":".*${reason}.*gnmi.handshake-failed`);
  await router.process.logged(failed("did not return a certificate"));
  await router.process.logged(failed("the client.s certificate is refused: DEPTH_ZERO_SELF_SIGNED_CERT"));
  const http = connect(PORT, ADDRESS).end("GET / HTTP/1.1\r\n\r\n");
  await once(http.resume(), "close");
  await router.process.logged(failed("http request"));
});

it("health: of the server, of gNMI, and of nothing else", async () => {
  await using router = await startGnmiRouter();
  const { grpc } = loadPackageDefinition(loadProto()) as Message;
  const client = new grpc.health.v1.Health(`${ADDRESS}:${PORT}`, ChannelCredentials.createSsl(router.ca));
  const check = (service: string): Promise<Message> =>
    new Promise((resolve, reject) => {
      client.Check({ service }, (cause: Error | null, answer: Message) => (cause ? reject(cause) : resolve(answer)));
    });
  try {
    assert.equal((await check("")).status, "SERVING");
    assert.equal((await check("gnmi.gNMI")).status, "SERVING");
    assert.equal((await refusal(check("other"))).code, status.NOT_FOUND);
  } finally {
    client.close();
  }
});
