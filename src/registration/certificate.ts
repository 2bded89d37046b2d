import { stat } from "node:fs/promises";
import { type Clock, FaultError, type Log, messageOf, milliseconds, type Timer } from "../base/index.ts";
import { readTlsFiles, type TlsIdentity } from "../sockets/index.ts";

export interface CertificateOptions {
  /** The chain, in PEM. */
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface Certificate extends TlsIdentity {
  /** Of the files, to see that they changed. */
  readonly version: string;
}

export type RegistrationStartFault =
  | { readonly code: "registration.certificate-unusable"; readonly certificateFile: string; readonly keyFile: string }
  | {
      readonly code: "registration.listen-failed";
      readonly address: string;
      readonly port: number;
      readonly errno: string;
    };

/** The interface could not be opened; nothing is left open. */
export class RegistrationStartError extends FaultError<RegistrationStartFault> {}

/** Certificates may live for an hour: their files are looked at this often. */
const LOOK_EVERY = milliseconds(60_000);

/** Reads certificate and key and checks that they belong together. @throws {RegistrationStartError} registration.certificate-unusable */
export async function readCertificate(options: CertificateOptions): Promise<Certificate> {
  const { certificateFile, keyFile } = options;
  try {
    const version = await versionOf(options).catch(() => "none"); // why they cannot be looked at is said by who reads them
    return { ...(await readTlsFiles(options, "the certificate of registration")), version };
  } catch (cause) {
    throw new RegistrationStartError(
      { code: "registration.certificate-unusable", certificateFile, keyFile },
      messageOf(cause),
      { cause },
    );
  }
}

/** Hands `use` a certificate whenever its files are no longer those of version `used`; one that cannot be used is reported, and the old one stays. */
export function watchCertificate(
  options: CertificateOptions,
  used: string,
  use: (certificate: Certificate) => void,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Disposable & { look(): Promise<void> } {
  let version = used;
  let timer: Timer | undefined;
  let disposed = false;

  async function look(): Promise<void> {
    try {
      const found = await versionOf(options);
      if (found === version) return;
      version = found; // a pair that is wrong is reported once, not once a minute
      use(await readCertificate(options));
      log.info("registration.certificate.reloaded", { file: options.certificateFile });
    } catch (cause) {
      log.error("registration.certificate.unusable", { reason: messageOf(cause) });
    }
  }

  function arm(): void {
    timer = clock.after(LOOK_EVERY, () => {
      void look().finally(() => {
        if (!disposed) arm();
      });
    });
  }

  arm();
  return {
    look,
    [Symbol.dispose]() {
      disposed = true;
      timer?.cancel();
    },
  };
}

async function versionOf({ certificateFile, keyFile }: CertificateOptions): Promise<string> {
  const stats = await Promise.all([certificateFile, keyFile].map((path) => stat(path, { bigint: true })));
  return stats.map(({ ino, size, mtimeNs }) => `${ino} ${size} ${mtimeNs}`).join();
}
