import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createSecureServer, type Http2SecureServer, type SecureServerOptions } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { runCommandLine } from "../../src/cli/program.ts";
import { certificate, signed } from "../management/gnmi/gnmi-router.ts";

const folder = mkdtempSync(path.join(tmpdir(), "semrd-failures-"));
const file = (name: string): string => path.join(folder, name);
const pem = (name: string) => ({ cert: readFileSync(file(`${name}.pem`)), key: readFileSync(file(`${name}.key`)) });

/** Of the server itself, good from one day to another. */
function dated(name: string, from: string, to: string): void {
  const text = `[ca]\ndefault_ca = own\n[own]\ndatabase = index\nnew_certs_dir = .\nserial = serial\ndefault_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n`;
  writeFileSync(file("ca.conf"), text);
  writeFileSync(file("index"), "");
  writeFileSync(file("serial"), "01\n");
  const openssl = (...args: readonly string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  openssl("req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", `${name}.key`, "-out", "csr", "-subj", "/CN=::1");
  const own = ["-config", "ca.conf", "-batch", "-notext", "-selfsign", "-keyfile", `${name}.key`, "-in", "csr"];
  openssl("ca", ...own, "-startdate", from, "-enddate", to, "-out", `${name}.pem`);
}

before(async () => {
  await certificate(folder, "server", ["-subj", "/CN=r1", "-addext", "subjectAltName=IP:::1"]);
  await certificate(folder, "ca", ["-subj", "/CN=test authority"]);
  await certificate(folder, "foreign", ["-subj", "/CN=foreign"]);
  await certificate(folder, "clients", ["-subj", "/CN=::1", "-addext", "extendedKeyUsage=clientAuth"]);
  await signed({ folder }, "own");
  dated("old", "20200101000000Z", "20210101000000Z");
  dated("early", "20900101000000Z", "20910101000000Z");
});
after(() => rmSync(folder, { recursive: true }));

/** Refuses whoever comes, after all else went well. */
function answering(options: SecureServerOptions = {}): Http2SecureServer {
  const server = createSecureServer({ ...pem("server"), ...options });
  server.on("stream", (stream) => {
    const fields = { "content-type": "application/grpc", "grpc-status": "16", "grpc-message": "nobody" };
    stream.respond({ ":status": 200, ...fields }, { endStream: true });
  });
  return server;
}

const WANTED = { requestCert: true, rejectUnauthorized: true };
/** The certificate is asked for and taken, whoever has signed it. */
const TAKEN = { requestCert: true, rejectUnauthorized: false };
const ofClients = () => ({ ...WANTED, ca: readFileSync(file("ca.pem")) });

/** As soon as `event` of the session shows that both sides speak HTTP. */
function afterHttp(end: (raw: Socket) => void): Http2SecureServer {
  const server = createSecureServer({ ...pem("server"), ...TAKEN });
  server.on("connection", (raw: Socket) => {
    // The client has confirmed what it was told.
    server.once("session", (session) => session.on("error", () => undefined).once("localSettings", () => end(raw)));
  });
  return server;
}

const LOG = /^semrctl: the router at PLACE did not answer, and closed the connection: look at its log, then try again$/;
const NOT_TAKEN =
  /^semrctl: the router at PLACE (did not answer, and closed the connection: it may not take|does not take) (\S+)( \(ERR_SSL\w+\))?: give one that its client CA has signed$/;
/** The same of a certificate that is not good at this time. */
const notTaken = (advice: string): RegExp =>
  new RegExp(NOT_TAKEN.source.replace("give one that its client CA has signed", advice));
const NO_GRPC = /^semrctl: what is at PLACE speaks no gRPC: name the port of gNMI/;

interface Case {
  readonly name: string;
  readonly server: () => Server | Http2SecureServer;
  /** The client's certificate. */
  readonly shows?: string;
  readonly env?: () => Readonly<Record<string, string>>;
  readonly exitCode?: number;
  readonly err: RegExp;
}

const raw = (then: (socket: Socket) => void) => () => createServer(then);
const GREETING = "SSH-2.0-OpenSSH_9.2\r\n";

const CASES: readonly Case[] = [
  { name: "is reset at once", shows: "own", server: raw((socket) => socket.resetAndDestroy()), err: LOG },
  { name: "is closed at once", shows: "own", server: raw((socket) => socket.destroy()), err: LOG },
  {
    name: "is reset after the client's hello",
    shows: "own",
    server: raw((socket) => void socket.once("data", () => socket.resetAndDestroy())),
    err: LOG,
  },
  {
    name: "is closed after the client's hello",
    shows: "own",
    server: raw((socket) => void socket.once("data", () => socket.end())),
    err: LOG,
  },
  {
    name: "is silent",
    shows: "own",
    server: raw(() => undefined),
    err: /^semrctl: the router at PLACE has been silent for 1 s: look at its log, or wait longer with --timeout$/,
  },
  { name: "is SSH", server: raw((socket) => void socket.on("error", () => undefined).write(GREETING)), err: NO_GRPC },
  {
    name: "is HTTP without TLS",
    server: raw((socket) => void socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))),
    err: NO_GRPC,
  },
  {
    name: "is HTTP 1.1 in TLS",
    server: () => createTlsServer({ ...pem("server"), ALPNProtocols: ["http/1.1"] }),
    err: NO_GRPC,
  },
  { name: "is another protocol in TLS", server: () => createTlsServer(pem("server")), err: NO_GRPC },
  {
    name: "knows TLS of former times only",
    server: () => answering({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" }),
    err: /^semrctl: what is at PLACE speaks no TLS of version 1\.2 or 1\.3: name the port of gNMI/,
  },
  {
    name: "has a certificate that was good once",
    server: () => answering(pem("old")),
    env: () => ({ SEMRD_TLS_CA: file("old.pem") }),
    err: /^semrctl: the certificate of PLACE is not valid now: renew it, or set the clock of this host$/,
  },
  {
    name: "has a certificate that is not good yet",
    server: () => answering(pem("early")),
    env: () => ({ SEMRD_TLS_CA: file("early.pem") }),
    err: /^semrctl: the certificate of PLACE is not valid now: renew it, or set the clock of this host$/,
  },
  {
    name: "refuses a client's certificate that was good once",
    shows: "old",
    server: () => answering(ofClients()),
    err: notTaken("it was good until 2021-01-01T00:00:00.000Z: renew it"),
  },
  {
    name: "refuses a client's certificate that is not good yet",
    shows: "early",
    server: () => answering(ofClients()),
    err: notTaken("it is good from 2090-01-01T00:00:00.000Z on: wait, or give another"),
  },
  {
    name: "has a certificate of another name",
    server: () => answering(),
    env: () => ({ SEMRD_TLS_SERVER_NAME: "r9.example" }),
    err: /^semrctl: the certificate of PLACE is for another name \(IP Address:0:0:0:0:0:0:0:1\): .* --tls-server-name$/,
  },
  {
    name: "has a certificate of nobody who is trusted",
    server: () => answering(),
    env: () => ({ SEMRD_TLS_CA: file("ca.pem") }),
    err: /^semrctl: the certificate of PLACE is of nobody whom this host trusts: name the file .* --tls-ca$/,
  },
  {
    name: "has a certificate of a client",
    server: () => answering(pem("clients")),
    env: () => ({ SEMRD_TLS_CA: file("clients.pem") }),
    err: /^semrctl: the certificate of PLACE is not good \(unsuitable certificate purpose\): give the router another one$/,
  },
  ...(["TLSv1.2", "TLSv1.3"] as const).flatMap((maxVersion): readonly Case[] => [
    {
      name: `wants a certificate in ${maxVersion}, and is shown none`,
      server: () => answering({ ...ofClients(), maxVersion }),
      // What it says of that is lost where it closes before it has read all.
      err: /^semrctl: the router at PLACE .*(wants|may want) a client certificate.*: give --tls-cert and --tls-key/,
    },
    {
      name: `wants a certificate in ${maxVersion}, and is shown that of somebody else`,
      shows: "foreign",
      server: () => answering({ ...ofClients(), maxVersion }),
      err: NOT_TAKEN,
    },
    {
      name: `takes the certificate in ${maxVersion}, and refuses what is asked`,
      shows: "own",
      server: () => answering({ ...ofClients(), maxVersion }),
      exitCode: 1,
      err: /^semrctl: the router at PLACE does not let you in: nobody\. Give --username, --token-file/,
    },
  ]),
  {
    name: "is closed when it has seen the certificate",
    shows: "own",
    server: () => createTlsServer({ ...pem("server"), ...TAKEN, ALPNProtocols: ["h2"] }, (socket) => socket.end()),
    err: NOT_TAKEN,
  },
  {
    name: "is reset when it has spoken HTTP",
    shows: "own",
    server: () => afterHttp((socket) => socket.resetAndDestroy()),
    err: LOG,
  },
  {
    name: "is gone when it has spoken HTTP",
    shows: "own",
    server: () => afterHttp((socket) => socket.end()),
    err: LOG,
  },
  {
    name: "has had enough of this client",
    shows: "own",
    server: () => {
      const server = createSecureServer({ ...pem("server"), ...TAKEN });
      server.on("stream", (stream) => {
        stream.on("error", () => undefined).session!.goaway(11);
        stream.session!.destroy();
      });
      return server;
    },
    err: /^semrctl: the router at PLACE did not answer, and closed the connection \(.*code 11\): look at its log, then try again$/,
  },
];

async function semrctl(env: Readonly<Record<string, string>>) {
  let [out, err] = ["", ""];
  const terminal = {
    out: async (text: string | Uint8Array) => {
      out += Buffer.from(text as string).toString();
    },
    err: (text: string) => {
      err += text;
    },
    pause: async () => "over" as const,
    colour: false,
  };
  const line = ["--timeout", env.PATIENCE ?? "20", "show", "status"];
  const exitCode = await runCommandLine(line, terminal, env, () => ({ kind: "script", lines: Readable.from([]) }));
  return { exitCode, out, err };
}

describe("semrctl says what is wrong with a router that", () => {
  for (const { name, server: make, shows, env, exitCode = 69, err } of CASES)
    it(name, async () => {
      const server = make();
      const sockets: Socket[] = [];
      server.on("connection", (socket: Socket) => sockets.push(socket.on("error", () => undefined)));
      for (const event of ["secureConnection", "session"])
        server.on(event, (one: Socket) => one.on("error", () => undefined));
      server.on("tlsClientError", () => undefined).on("sessionError", () => undefined);
      server.listen(0, "::1");
      await once(server, "listening");
      try {
        const place = `[::1]:${(server.address() as AddressInfo).port}`;
        const own =
          shows === undefined ? {} : { SEMRD_TLS_CERT: file(`${shows}.pem`), SEMRD_TLS_KEY: file(`${shows}.key`) };
        const known = { SEMRD_ROUTER: place, SEMRD_TLS_CA: file("server.pem"), XDG_CONFIG_HOME: "/nowhere" };
        const patience = name === "is silent" ? { PATIENCE: "1" } : {};
        const ran = await semrctl({ ...known, ...own, ...env?.(), ...patience });
        const said = ran.err.trimEnd().replaceAll(place, "PLACE");
        assert.match(said, err);
        if (err.source.includes("does not take")) assert.equal(err.exec(said)![2], file(`${shows}.pem`));
        else assert.ok(shows === undefined || !said.includes(shows), said);
        assert.deepEqual([ran.exitCode, ran.out], [exitCode, ""]);
      } finally {
        for (const socket of sockets) socket.destroy();
        server.close();
      }
    });
});

describe("semrctl says which of its own files cannot be used", () => {
  for (const { name, env, err } of [
    {
      name: "an authority that is none",
      env: { CA: "own.key" },
      err: /^semrctl: \S*own\.key cannot be used: it holds no certificate in PEM$/m,
    },
    {
      name: "a key of another certificate",
      env: { CERT: "own.pem", KEY: "foreign.key" },
      err: /^semrctl: \S*own\.pem with \S*foreign\.key cannot be used: .*key values mismatch/,
    },
    {
      name: "a key that is none",
      env: { CERT: "own.pem", KEY: "own.pem" },
      err: /^semrctl: \S*own\.pem with \S*own\.pem cannot be used: /,
    },
  ])
    it(name, async () => {
      const files = Object.entries(env).map(([what, it]) => [`SEMRD_TLS_${what}`, file(it)]);
      const ran = await semrctl({ SEMRD_ROUTER: "[::1]:1", XDG_CONFIG_HOME: "/nowhere", ...Object.fromEntries(files) });
      assert.match(ran.err, err);
      assert.equal(ran.exitCode, 1);
    });
});
