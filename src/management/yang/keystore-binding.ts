import path from "node:path";
import type {
  KeyPairFiles,
  KeystoreConfiguration,
  NamedKey,
  TruststoreConfiguration,
} from "../configuration/keystore.ts";
import { Secret } from "../configuration/secret.ts";
import type { Certificate, Keystore } from "../schema/instance/semrd-keystore.ts";
import type { Truststore } from "../schema/instance/semrd-truststore.ts";

/** What somebody names who proves who he is with a key pair. */
export interface KeyPairRef {
  readonly "asymmetric-key"?: string;
  readonly certificate?: string;
}

/** Where names of keys and certificates lead. References are conditions of the model that libyang has checked. */
export interface Stores {
  readonly keystore: KeystoreConfiguration;
  readonly truststore: TruststoreConfiguration;
  symmetricKey(name: string): NamedKey;
  /** `undefined` where no certificate is named. */
  keyPair(ref: KeyPairRef | undefined): KeyPairFiles | undefined;
  /** Files of the authorities in a bag; `undefined` where none is named. */
  authorities(bag: string | undefined): readonly string[] | undefined;
}

/** @param folder where relative file names begin */
export function bindStores(keystore: Keystore | undefined, truststore: Truststore | undefined, folder: string): Stores {
  const certificatesOf = (certificates: readonly Certificate[] = []) =>
    certificates.map(({ name, "certificate-file": file }) => ({ name, certificateFile: path.resolve(folder, file) }));
  const asymmetricKeys = (keystore?.["asymmetric-keys"]?.["asymmetric-key"] ?? []).map((key) => ({
    name: key.name,
    privateKeyFile: path.resolve(folder, key["private-key-file"]),
    certificates: certificatesOf(key.certificates?.certificate),
  }));
  const bags = (truststore?.["certificate-bags"]?.["certificate-bag"] ?? []).map(({ name, certificate }) => ({
    ...{ name, certificates: certificatesOf(certificate) },
  }));
  const shared = new Map(
    (keystore?.["symmetric-keys"]?.["symmetric-key"] ?? []).map((key) => [
      key.name,
      { name: key.name, secret: new Secret(Buffer.from(key["cleartext-symmetric-key"], "base64")) },
    ]),
  );
  return {
    keystore: { asymmetricKeys },
    truststore: { bags },
    symmetricKey: (name) => shared.get(name)!,
    keyPair(ref) {
      if (ref?.["asymmetric-key"] === undefined || ref.certificate === undefined) return undefined;
      const key = asymmetricKeys.find(({ name }) => name === ref["asymmetric-key"])!;
      const { certificateFile } = key.certificates.find(({ name }) => name === ref.certificate)!;
      return { certificateFile, keyFile: key.privateKeyFile };
    },
    authorities: (bag) =>
      bag === undefined
        ? undefined
        : bags.find(({ name }) => name === bag)!.certificates.map(({ certificateFile }) => certificateFile),
  };
}
