import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { checkGnmiCertificate } from "../../src/management/gnmi/index.ts";
import { checkNetconfCertificate } from "../../src/management/netconf/index.ts";
import { readCertificate } from "../../src/registration/index.ts";
import { readTlsFiles, type TlsFiles } from "../../src/sockets/index.ts";
import { Authority, hasOpenssl, NO_OPENSSL } from "../management/netconf/certificates.ts";

describe("files of certificates and keys", { skip: hasOpenssl ? false : NO_OPENSSL }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), "semrd-tls-files-"));
  after(() => rmSync(folder, { recursive: true }));
  const written = (name: string, text: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const one = new Authority(folder, "one");
  const two = new Authority(folder, "two");
  const server = one.signed("server");
  const damaged = one.own.certificate.replace("\nMII", "\nAAA");
  const own: TlsFiles = { certificateFile: server.certificateFile, keyFile: server.keyFile };
  const trusting = (...authorityFiles: string[]): TlsFiles => ({ ...own, authorityFiles });
  mkdirSync(path.join(folder, "folder"));

  it("are handed on as they are, authorities without an end of the last line too", async () => {
    assert.deepEqual(await readTlsFiles(own, "this"), {
      cert: Buffer.from(server.certificate),
      key: Buffer.from(server.key),
    });
    const bare = written("bare.pem", one.own.certificate.trimEnd());
    const { ca } = await readTlsFiles(trusting(bare, two.own.certificateFile), "this");
    const subjects = Array.from(String(ca).matchAll(/-----BEGIN[\s\S]*?-----END.*/g), ([pem]) => {
      return new X509Certificate(pem).subject;
    });
    assert.deepEqual(subjects, ["CN=one", "CN=two"]);
  });

  const CASES: readonly { name: string; files: TlsFiles; file: string; says: RegExp }[] = [
    {
      ...{ name: "a certificate that is not there", file: "none.pem" },
      ...{ files: { ...own, certificateFile: path.join(folder, "none.pem") }, says: /no such certificate: check the/ },
    },
    {
      ...{ name: "a key that is not there", file: "none.key" },
      ...{ files: { ...own, keyFile: path.join(folder, "none.key") }, says: /no such key: check the path/ },
    },
    {
      ...{ name: "authorities that are not there", file: "none.pem" },
      ...{
        files: trusting(path.join(folder, "none.pem")),
        says: /no such certificate of an authority: check the path/,
      },
    },
    {
      ...{ name: "a folder for a key", file: "folder" },
      ...{ files: { ...own, keyFile: path.join(folder, "folder") }, says: /a folder, where a key is expected/ },
    },
    {
      ...{ name: "a certificate for a key", file: "server.pem" },
      ...{ files: { ...own, keyFile: server.certificateFile }, says: /a certificate, where a private key is expected/ },
    },
    {
      ...{ name: "the key of another certificate", file: "server.pem" },
      ...{ files: { ...own, keyFile: one.own.keyFile }, says: /does not belong to the private key/ },
    },
    {
      ...{ name: "authorities of which there are none", file: "empty.pem" },
      ...{ files: trusting(written("empty.pem", "")), says: /no certificate in PEM, where certificates of auth/ },
    },
    {
      ...{ name: "a key for authorities, behind a good file", file: "server.key" },
      ...{ files: trusting(one.own.certificateFile, server.keyFile), says: /a private key, where certificates/ },
    },
    {
      ...{ name: "a damaged authority behind a good one", file: "damaged.pem" },
      ...{ files: trusting(written("damaged.pem", two.own.certificate + damaged)), says: /place 2 of 2 is damaged/ },
    },
    {
      ...{ name: "an authority that is cut off, before a good one", file: "cut.pem" },
      files: trusting(written("cut.pem", one.own.certificate.slice(0, 200) + two.own.certificate)),
      says: /place 1 of 2 is damaged/,
    },
  ];
  for (const { name, files, file, says } of CASES) {
    it(`${name}: one error, with whose it is, the file and what to do`, async () => {
      const { certificateFile, keyFile, authorityFiles } = files;
      const rejected = (of: string) => (cause: unknown) => {
        const { message } = cause as Error;
        assert.ok(
          message.startsWith(`the certificate of ${of} cannot be used (${path.join(folder, file)}): `),
          message,
        );
        assert.match(message, says);
        return true;
      };
      const pair = { certificateFile, keyFile };
      const ofClients = { clientCaFiles: authorityFiles ?? [one.own.certificateFile] };
      await assert.rejects(checkGnmiCertificate({ ...pair, ...ofClients }), rejected("gNMI"));
      const tls = { ...pair, ...ofClients, listen: [], maxLogins: 1, loginTimeout: 1, rules: [] } as unknown;
      await assert.rejects(
        checkNetconfCertificate(tls as Parameters<typeof checkNetconfCertificate>[0]),
        rejected("NETCONF"),
      );
      if (authorityFiles === undefined) await assert.rejects(readCertificate(pair), rejected("registration"));
    });
  }
});
