import { unreadable } from "../../sockets/index.ts";
import type { ConfigurationFault } from "./error.ts";
import type { Files } from "./files.ts";
import type { CertificateFile } from "./keystore.ts";
import type { RouterConfiguration } from "./types.ts";

type Needed = readonly [place: string, file: string, what: string];

const ROUTER = "/semrd-router:router";
const KEYS = `${ROUTER}/semrd-keystore:keystore/asymmetric-keys`;
const BAGS = `${ROUTER}/semrd-truststore:truststore/certificate-bags`;
const REGISTRATION = `${ROUTER}/semrd-registration:registration`;
const GRPC = `${ROUTER}/management/semrd-grpc-server:grpc`;

const certificatePath = (place: string, name: string): string =>
  `${place}/certificate[name='${name}']/certificate-file`;

const certificates = (place: string, files: readonly CertificateFile[]): Needed[] =>
  files.map(({ name, certificateFile }) => [
    certificatePath(place, name),
    ...([certificateFile, "certificate"] as const),
  ]);

const keySets = (
  place: string,
  issuers: readonly { readonly name: string; readonly jwksFile: string }[],
): readonly Needed[] =>
  issuers.map(({ name, jwksFile }) => [`${place}[name='${name}']/jwks-file`, jwksFile, "key set"]);

/** What each section names; a section that is the same object is the same. */
const SECTIONS: readonly {
  readonly of: (configuration: RouterConfiguration) => object | undefined;
  readonly needs: (configuration: RouterConfiguration) => readonly Needed[];
}[] = [
  {
    of: ({ keystore }) => keystore,
    needs: ({ keystore }) =>
      keystore.asymmetricKeys.flatMap((key) => {
        const place = `${KEYS}/asymmetric-key[name='${key.name}']`;
        return [
          [`${place}/private-key-file`, key.privateKeyFile, "key"] as const,
          ...certificates(`${place}/certificates`, key.certificates),
        ];
      }),
  },
  {
    of: ({ truststore }) => truststore,
    needs: ({ truststore }) =>
      truststore.bags.flatMap((bag) => certificates(`${BAGS}/certificate-bag[name='${bag.name}']`, bag.certificates)),
  },
  {
    of: ({ registration }) => registration,
    needs: ({ registration: { issuers } }) => keySets(`${REGISTRATION}/issuer`, issuers),
  },
  {
    of: ({ management }) => management,
    needs: ({ management: { grpc } }) => keySets(`${GRPC}/token-issuer`, grpc.issuers),
  },
];

/** Tags of what is wrong with a file, and not with the configuration that names it. */
export const FILE_TAGS: ReadonlySet<string | undefined> = new Set([
  ...["unreadable", "bad-private-key", "bad-certificate", "key-mismatch"],
]);

/**
 * Files that the configuration names and that cannot be read, key pairs that are none, and authorities without a certificate: better refused at once than at
 * the first connection.
 *
 * @param before only what differs from it is looked at: a file that has gone meanwhile is no reason to refuse another change
 */
export async function unusableFiles(
  configuration: RouterConfiguration,
  files: Files,
  before?: RouterConfiguration,
): Promise<ConfigurationFault[]> {
  const needed = SECTIONS.flatMap(({ of, needs }) =>
    before !== undefined && of(before) === of(configuration) ? [] : needs(configuration),
  );
  const faults: ConfigurationFault[] = [];
  for (const [place, file, what] of needed) {
    try {
      await files.probe(file);
    } catch (cause) {
      const reason = `${unreadable(cause, what)} (${file})`;
      faults.push({ path: place, reason, tag: "unreadable" });
    }
  }
  const known = new Set(faults.map(({ path }) => path));
  if (before?.keystore !== configuration.keystore) faults.push(...(await pairFaults(configuration, files, known)));
  if (before?.truststore !== configuration.truststore) faults.push(...(await bagFaults(configuration, files, known)));
  return faults;
}

/** Keys that are none, and certificates that are none or of another key; those whose files cannot be read are known. */
async function pairFaults(
  { keystore }: RouterConfiguration,
  files: Files,
  known: ReadonlySet<string | undefined>,
): Promise<ConfigurationFault[]> {
  const faults: ConfigurationFault[] = [];
  for (const { name, privateKeyFile, certificates } of keystore.asymmetricKeys) {
    const place = `${KEYS}/asymmetric-key[name='${name}']`;
    const key = { path: `${place}/private-key-file`, file: privateKeyFile, what: "key" };
    if (known.has(key.path)) continue;
    const useless = await faultIn(key, () => files.pairFault(privateKeyFile));
    faults.push(...useless);
    if (useless.length > 0) continue;
    for (const { name: certificate, certificateFile: file } of certificates) {
      const path = certificatePath(`${place}/certificates`, certificate);
      if (known.has(path)) continue;
      const look = () => files.pairFault(privateKeyFile, file);
      faults.push(...(await faultIn({ path, file, what: "certificate" }, look)));
    }
  }
  return faults;
}

/** What is wrong with a file that is named at `path`: nothing, or what `look` says, or that it cannot be read. */
async function faultIn(
  { path, file, what }: { readonly path: string; readonly file: string; readonly what: string },
  look: () => Promise<{ readonly reason: string; readonly tag: string } | undefined>,
): Promise<readonly ConfigurationFault[]> {
  try {
    const found = await look();
    return found === undefined ? [] : [{ path, reason: `${found.reason} (${file})`, tag: found.tag }];
  } catch (cause) {
    return [{ path, reason: `${unreadable(cause, what)} (${file})`, tag: "unreadable" }];
  }
}

/** Files of authorities that hold none, or one that is damaged; those that cannot be read are known. */
async function bagFaults(
  { truststore }: RouterConfiguration,
  files: Files,
  known: ReadonlySet<string | undefined>,
): Promise<ConfigurationFault[]> {
  const faults: ConfigurationFault[] = [];
  for (const { name: bag, certificates } of truststore.bags) {
    for (const { name, certificateFile: file } of certificates) {
      const path = certificatePath(`${BAGS}/certificate-bag[name='${bag}']`, name);
      if (known.has(path)) continue;
      const look = async () => {
        const reason = await files.authoritiesFault(file);
        return reason === undefined ? undefined : { reason, tag: "bad-certificate" };
      };
      faults.push(...(await faultIn({ path, file, what: "certificate" }, look)));
    }
  }
  return faults;
}

/** Certificates of the router's own that are not valid at `now`; the rest of the configuration is. */
export async function certificatesNotValid(
  { keystore }: RouterConfiguration,
  files: Files,
  now: number,
): Promise<readonly { readonly path: string; readonly reason: string }[]> {
  const found: { path: string; reason: string }[] = [];
  for (const { name: key, certificates } of keystore.asymmetricKeys) {
    for (const { name, certificateFile } of certificates) {
      const said = await files.notValidAt(now, certificateFile);
      const path = certificatePath(`${KEYS}/asymmetric-key[name='${key}']/certificates`, name);
      if (said !== undefined) found.push({ path, reason: `the certificate ${certificateFile} ${said}` });
    }
  }
  return found;
}
