/** What a router of a test has in its keystore and its truststore, by name. */
export interface StoreEntries {
  /** Certificate and key, in PEM. */
  readonly pairs?: Readonly<Record<string, readonly [certificateFile: string, keyFile: string]>>;
  /** Symmetric keys, as text. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Files of authorities. */
  readonly bags?: Readonly<Record<string, readonly string[]>>;
}

/** The containers of a router that hold them. A certificate is called as its key is, files of a bag have numbers. */
export function stores({ pairs = {}, keys = {}, bags = {} }: StoreEntries): Readonly<Record<string, unknown>> {
  const asymmetric = Object.entries(pairs).map(([name, [certificate, key]]) => ({
    ...{ name, "private-key-file": key },
    certificates: { certificate: [{ name, "certificate-file": certificate }] },
  }));
  const bag = Object.entries(bags).map(([name, files]) => ({
    ...{ name, certificate: files.map((file, i) => ({ name: String(i + 1), "certificate-file": file })) },
  }));
  return {
    "semrd-keystore:keystore": {
      "asymmetric-keys": { "asymmetric-key": asymmetric },
      ...symmetricKeys(keys),
    },
    "semrd-truststore:truststore": { "certificate-bags": { "certificate-bag": bag } },
  };
}

/** The part of a keystore with these keys, by name. */
export function symmetricKeys(keys: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const entries = Object.entries(keys).map(([name, text]) => ({ name, "cleartext-symmetric-key": base64(text) }));
  return { "symmetric-keys": { "symmetric-key": entries } };
}

/** What names a pair. */
export const pair = (name: string): Readonly<Record<string, string>> => ({ "asymmetric-key": name, certificate: name });

export const base64 = (text: string): string => Buffer.from(text).toString("base64");
