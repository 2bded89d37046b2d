/** Something that stood where it is used, and where it stands now. */
export interface Moved {
  readonly path: string;
  /** Entry of the keystore or truststore that it has become. */
  readonly to: string;
}

type Json = Record<string, unknown>;

const ROUTER = "semrd-router:router";
const KEYSTORE = "semrd-keystore:keystore";
const TRUSTSTORE = "semrd-truststore:truststore";

/** A text without any of these is as it is today. */
const FORMER = /"(?:password|key-file|client-ca-file|ca-file)"/;

/** Containers that had files of TLS: where they are, and what their entries are called. */
const WITH_FILES: readonly { readonly path: readonly string[]; readonly name: string }[] = [
  { path: ["semrd-registration:registration", "tls"], name: "registration" },
  { path: ["management", "semrd-grpc-server:grpc", "tls"], name: "grpc" },
  { path: ["management", "semrd-netconf:netconf", "tls"], name: "netconf" },
  { path: ["semrd-dataplane:dataplane", "fib-service", "tls"], name: "fib-service" },
];

/** Containers of settings of neighbours, which had passwords. */
const WITH_PASSWORDS: readonly { readonly path: readonly string[]; readonly key?: string; readonly name: string }[] = [
  { path: ["neighbor-defaults"], name: "neighbors" },
  { path: ["peer-groups", "peer-group"], key: "name", name: "group" },
  { path: ["neighbors", "neighbor"], key: "address", name: "neighbor" },
];

/**
 * A configuration of before there was a keystore as one of today: passwords and files that stood where they are used become
 * entries of the keystore and the truststore, by name. `undefined`: nothing of it is of before, or it is no configuration.
 * Pure.
 */
export function withKeystore(text: string): { readonly text: string; readonly moved: readonly Moved[] } | undefined {
  if (!FORMER.test(text)) return undefined;
  const document = parsed(text);
  const router = objectIn(document, ROUTER);
  if (document === undefined || router === undefined) return undefined;
  const stores = new Stores(router);
  for (const { path, name } of WITH_FILES) {
    const tls = path.reduce<Json | undefined>((at, step) => at && objectIn(at, step), router);
    if (tls !== undefined) moveFiles(tls, `/${ROUTER}/${path.join("/")}`, name, stores);
  }
  const bgp = objectIn(router, "semrd-bgp:bgp");
  for (const { path, key, name } of bgp === undefined ? [] : WITH_PASSWORDS) {
    const here = path.reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), bgp);
    for (const settings of key === undefined ? [here] : Array.isArray(here) ? here : []) {
      if (!isObject(settings)) continue;
      const own = key === undefined ? "" : String(settings[key]);
      const place = `/${ROUTER}/semrd-bgp:bgp/${path.join("/")}${key === undefined ? "" : `[${key}='${own}']`}`;
      movePasswords(settings, place, key === undefined ? name : `${name}-${own}`, stores);
    }
  }
  return stores.moved.length === 0 ? undefined : { text: JSON.stringify(document), moved: stores.moved };
}

/** What has been moved so far, and the stores that it has been moved to. */
class Stores {
  readonly moved: Moved[] = [];
  readonly #router: Json;

  constructor(router: Json) {
    this.#router = router;
  }

  /** Adds an entry and answers its name, which nobody else has. */
  add(kind: "symmetric-key" | "asymmetric-key" | "certificate-bag", name: string, more: Json, from: string[]): string {
    const [store, container] = kind === "certificate-bag" ? [TRUSTSTORE, "certificate-bags"] : [KEYSTORE, `${kind}s`];
    const lists = made(made(this.#router, store, {}), container, {});
    const list = made<unknown[]>(lists, kind, []);
    const taken = new Set(list.map((entry) => (isObject(entry) ? entry.name : undefined)));
    // Names have neither spaces nor quotes.
    const wanted = name.replace(/['"\s]+/g, "_");
    let free = wanted;
    for (let i = 2; taken.has(free); i++) free = `${wanted}-${i}`;
    list.push({ name: free, ...more });
    const to = `/${ROUTER}/${store}/${container}/${kind}[name='${free}']`;
    for (const path of from) this.moved.push({ path, to });
    return free;
  }
}

function moveFiles(tls: Json, place: string, name: string, stores: Stores): void {
  const { "certificate-file": certificate, "key-file": key } = tls;
  if (typeof certificate === "string" && typeof key === "string") {
    const more = {
      "private-key-file": key,
      certificates: { certificate: [{ name, "certificate-file": certificate }] },
    };
    const from = [`${place}/certificate-file`, `${place}/key-file`];
    tls["asymmetric-key"] = stores.add("asymmetric-key", name, more, from);
    tls.certificate = name;
    delete tls["certificate-file"];
    delete tls["key-file"];
  }
  for (const [former, leaf] of [
    ["client-ca-file", "client-ca-certs"],
    ["ca-file", "ca-certs"],
  ] as const) {
    const file = tls[former];
    if (typeof file !== "string") continue;
    const more = { certificate: [{ name, "certificate-file": file }] };
    tls[leaf] = stores.add("certificate-bag", name, more, [`${place}/${former}`]);
    delete tls[former];
  }
}

function movePasswords(settings: Json, place: string, name: string, stores: Stores): void {
  const { password, "further-password": further, "tcp-ao-key": aoKeys } = settings;
  const passwords = [
    ...(typeof password === "string" ? [[password, `${place}/password`] as const] : []),
    ...(typeof password === "string" && Array.isArray(further)
      ? further.flatMap((one) => (typeof one === "string" ? [[one, `${place}/further-password`] as const] : []))
      : []),
  ];
  if (passwords.length > 0) {
    settings["md5-key"] = passwords.map(([text, from]) => stores.add("symmetric-key", name, keyOf(text), [from]));
    delete settings.password;
    delete settings["further-password"];
  }
  for (const key of Array.isArray(aoKeys) ? aoKeys : []) {
    if (!isObject(key) || typeof key.password !== "string") continue;
    const ids = `${key["send-id"]}-${key["receive-id"]}`;
    const from = `${place}/tcp-ao-key[send-id='${key["send-id"]}'][receive-id='${key["receive-id"]}']/password`;
    key["symmetric-key"] = stores.add("symmetric-key", `${name}-ao-${ids}`, keyOf(key.password), [from]);
    delete key.password;
  }
}

const keyOf = (text: string): Json => ({ "cleartext-symmetric-key": Buffer.from(text).toString("base64") });

function made<T = Json>(holder: Json, name: string, empty: T): T {
  holder[name] ??= empty;
  return holder[name] as T;
}

function objectIn(holder: Json | undefined, name: string): Json | undefined {
  // A member of the same module may carry its name.
  const value = holder?.[name] ?? holder?.[`semrd-router:${name}`];
  return isObject(value) ? value : undefined;
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What is no JSON, or has a member twice, is for others to refuse. */
function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
