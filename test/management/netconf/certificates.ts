import { execFileSync, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fingerprintOf } from "../../../src/management/netconf/certificate-user.ts";

export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
export const NO_OPENSSL = "skipped: openssl, which makes the certificates of this test, is not installed";

export interface Certificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly certificate: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** An authority in a folder, and what it signs. */
export class Authority {
  readonly #folder: string;
  readonly own: Certificate;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    const [certificateFile, keyFile] = this.#files(name);
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyFile];
    const subject = ["-subj", `/CN=${name}`, "-days", "2", "-out", certificateFile];
    execFileSync("openssl", ["req", "-x509", ...key, ...subject], { stdio: "pipe" });
    this.own = read(certificateFile, keyFile);
  }

  signed(name: string, alternative?: string): Certificate {
    const [certificateFile, keyFile] = this.#files(name);
    const request = path.join(this.#folder, `${name}.csr`);
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyFile];
    execFileSync("openssl", ["req", "-new", ...key, "-subj", `/CN=${name}`, "-out", request], { stdio: "pipe" });
    const extensions = path.join(this.#folder, `${name}.ext`);
    writeFileSync(extensions, alternative === undefined ? "" : `subjectAltName=${alternative}\n`);
    const by = ["-CA", this.own.certificateFile, "-CAkey", this.own.keyFile, "-CAcreateserial", "-days", "2"];
    const what = ["-in", request, "-extfile", extensions, "-out", certificateFile];
    execFileSync("openssl", ["x509", "-req", ...what, ...by], { stdio: "pipe" });
    return read(certificateFile, keyFile);
  }

  #files(name: string): readonly [string, string] {
    return [path.join(this.#folder, `${name}.pem`), path.join(this.#folder, `${name}.key`)];
  }
}

function read(certificateFile: string, keyFile: string): Certificate {
  const [certificate, key] = [readFileSync(certificateFile, "utf8"), readFileSync(keyFile, "utf8")];
  const fingerprint = fingerprintOf(new X509Certificate(certificate).raw);
  return { certificateFile, keyFile, certificate, key, fingerprint };
}
