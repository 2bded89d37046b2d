import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ServerCredentials } from "@grpc/grpc-js";
import { Executor } from "../../../lab/fib-executor/executor.ts";
import { milliseconds } from "../../../src/base/index.ts";
import type { ExecutorTls } from "../../../src/dataplane/index.ts";
import { Authority, type Certificate, hasOpenssl, NO_OPENSSL } from "../../management/netconf/certificates.ts";
import { driven, Listening, until } from "./rig.ts";

const folder = mkdtempSync(join(tmpdir(), "semr-fib-tls-"));
after(() => rmSync(folder, { recursive: true }));

/** For an executor that is to be spoken to, and for one that is not. */
const PATIENT = { welcome: milliseconds(20_000), start: milliseconds(20_000) };
const IMPATIENT = { welcome: milliseconds(1_000), start: milliseconds(1_000) };

function credentials(own: Certificate, ca: Certificate): ServerCredentials {
  const pair = { cert_chain: Buffer.from(own.certificate), private_key: Buffer.from(own.key) };
  return ServerCredentials.createSsl(Buffer.from(ca.certificate), [pair], true);
}

describe("TLS between a router and its executor", { concurrency: true }, () => {
  if (!hasOpenssl) {
    it("needs certificates", (t) => t.skip(NO_OPENSSL));
    return;
  }
  const authority = new Authority(folder, "operator");
  const stranger = new Authority(folder, "stranger");
  const executor = authority.signed("card-1", "DNS:card-1.example.net");
  const router = authority.signed("r1");
  const impostor = stranger.signed("impostor", "DNS:card-1.example.net");
  const tlsOf = (own: Certificate, ca: Certificate, serverName = "card-1.example.net"): ExecutorTls => ({
    ...{ certificateFile: own.certificateFile, keyFile: own.keyFile, caFiles: [ca.certificateFile], serverName },
  });

  const CASES: readonly { name: string; server: Certificate; tls: ExecutorTls | undefined; works: boolean }[] = [
    { name: "both known: it works", server: executor, tls: tlsOf(router, authority.own), works: true },
    {
      name: "an executor of another authority is refused",
      server: impostor,
      tls: tlsOf(router, authority.own),
      works: false,
    },
    {
      name: "a router of another authority is refused",
      server: executor,
      tls: tlsOf(impostor, authority.own),
      works: false,
    },
    {
      name: "another name than the certificate's is refused",
      server: executor,
      tls: tlsOf(router, authority.own, "card-2.example.net"),
      works: false,
    },
    { name: "a router without TLS is refused", server: executor, tls: undefined, works: false },
  ];
  for (const { name, server, tls, works } of CASES)
    it(name, async () => {
      await using listening = await Listening.start(new Executor(), {
        credentials: credentials(server, authority.own),
      });
      const address = { host: "::1", port: listening.port, ...(tls === undefined ? {} : { tls }) };
      const deadlines = works ? PATIENT : IMPATIENT;
      await using router = await driven(listening.port, { executor: address, deadlines });
      const { driver } = router;
      if (works) await driver.settled();
      else await until(() => driver.executor.lastError !== undefined, "it says why");
      const { sessions, lastError } = driver.executor;
      assert.equal(sessions, works ? 1 : 0, lastError);
      if (!works) assert.ok(lastError!.length > 10, lastError);
    });

  it("files that cannot be used are named at the start", async () => {
    const tls = { ...tlsOf(router, authority.own), keyFile: join(folder, "nothing.key") };
    await assert.rejects(
      driven(1, { executor: { host: "::1", port: 1, tls } }),
      /certificate for the executor cannot be used \(.*nothing\.key/,
    );
  });
});
