import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The router under test: its AS, and its address on the link to the generator. */
export const DEVICE = "fd5e:b6f::1";
export const DEVICE_AS = 65000;

export type Role = "sender" | "sink" | "idle";
export type BenchFamily = "ipv6-unicast" | "capability";

/** Routes of senders go to sinks; nothing goes to a sender; idle ones get nothing. */
export interface Neighbour {
  readonly address: string;
  readonly remoteAs: number;
  readonly role: Role;
}

export interface DaemonSetting {
  readonly neighbours: readonly Neighbour[];
  readonly family: BenchFamily;
  /** Empty, and gone after the run. */
  readonly folder: string;
  /** Says how long the turns of its event loop take. */
  readonly turns: boolean;
}

export interface Daemon {
  readonly name: string;
  /** Why it cannot be measured here. */
  skipped(): string | undefined;
  /** Writes its configuration and says how it is started. Every session is external, passive here, with a policy each way. */
  command(setting: DaemonSetting): readonly string[];
}

const installed = (program: string, debianPackage: string) => (): string | undefined =>
  existsSync(program) ? undefined : `${program} is missing (apt-get install ${debianPackage})`;

const HOLD_TIME = 240;
const lines = (...text: readonly (string | readonly string[])[]): string => `${text.flat().join("\n")}\n`;

export const SEMRD: Daemon = {
  name: "semrd",
  skipped: () => undefined,
  command: ({ neighbours, family, turns }) => [
    process.execPath,
    // As tools/semrd starts it.
    "--max-semi-space-size=2",
    "--initial-old-space-size=64",
    // Such as --cpu-prof --cpu-prof-dir=/tmp/profiles, to see where the time goes.
    ...(process.env.SEMRD_BENCH_NODE_OPTIONS?.split(" ") ?? []),
    join(import.meta.dirname, "device.ts"),
    ...(turns ? ["--turns"] : []),
    `--family=${family}`,
    DEVICE,
    ...neighbours.map(({ address, remoteAs, role }) => `${address},${remoteAs},${role}`),
  ],
};

const BIRD: Daemon = {
  name: "BIRD 2",
  skipped: installed("/usr/sbin/bird", "bird2"),
  command({ neighbours, folder }) {
    const configuration = join(folder, "bird.conf");
    const protocols = neighbours.map(({ address, remoteAs, role }, i) => {
      const [take, give] = [role === "sender" ? "all" : "none", role === "sink" ? "all" : "none"];
      return `protocol bgp n${i} { local ${DEVICE} as ${DEVICE_AS}; neighbor ${address} as ${remoteAs}; passive; hold time ${HOLD_TIME}; ipv6 { import ${take}; export ${give}; }; }`;
    });
    writeFileSync(configuration, lines("router id 10.99.0.1;", "protocol device {}", protocols));
    const places = ["-s", join(folder, "bird.ctl"), "-P", join(folder, "bird.pid")];
    return ["/usr/sbin/bird", "-f", "-c", configuration, ...places];
  },
};

const FRR: Daemon = {
  name: "FRR",
  skipped: installed("/usr/lib/frr/bgpd", "frr"),
  command({ neighbours, folder }) {
    const configuration = join(folder, "bgpd.conf");
    const sessions = neighbours.flatMap(({ address, remoteAs }) => [
      ` neighbor ${address} remote-as ${remoteAs}`,
      ` neighbor ${address} passive`,
      ` neighbor ${address} disable-connected-check`,
    ]);
    const policies = neighbours.flatMap(({ address, role }) => [
      `  neighbor ${address} activate`,
      `  neighbor ${address} route-map ${role === "sender" ? "all" : "none"} in`,
      `  neighbor ${address} route-map ${role === "sink" ? "all" : "none"} out`,
    ]);
    writeFileSync(
      configuration,
      lines(
        ["frr defaults traditional", "hostname device", "route-map none deny 10", "route-map all permit 10"],
        [`router bgp ${DEVICE_AS}`, " bgp router-id 10.99.0.1", " no bgp default ipv4-unicast"],
        [" no bgp network import-check", ` timers bgp ${HOLD_TIME / 3} ${HOLD_TIME}`],
        sessions,
        " address-family ipv6 unicast",
        policies,
        " exit-address-family",
      ),
    );
    const places = ["-i", join(folder, "bgpd.pid"), "--vty_socket", folder, "-P", "0", "-l", DEVICE];
    return ["/usr/lib/frr/bgpd", "-n", "-Z", "-S", "-f", configuration, ...places];
  },
};

const GOBGP: Daemon = {
  name: "GoBGP",
  skipped: installed("/usr/bin/gobgpd", "gobgpd"),
  command({ neighbours, folder }) {
    const configuration = join(folder, "gobgpd.toml");
    const others = neighbours.filter(({ role }) => role !== "sink").map(({ address }) => JSON.stringify(address));
    const sessions = neighbours.map(({ address, remoteAs }) =>
      lines(
        ["[[neighbors]]", "[neighbors.config]", `neighbor-address = "${address}"`, `peer-as = ${remoteAs}`],
        ["[neighbors.transport.config]", "passive-mode = true", `local-address = "${DEVICE}"`],
        ["[neighbors.timers.config]", `hold-time = ${HOLD_TIME}`, `keepalive-interval = ${HOLD_TIME / 3}`],
        ["[[neighbors.afi-safis]]", "[neighbors.afi-safis.config]", 'afi-safi-name = "ipv6-unicast"'],
      ),
    );
    writeFileSync(
      configuration,
      lines(
        ["[global.config]", `as = ${DEVICE_AS}`, 'router-id = "10.99.0.1"', `local-address-list = ["${DEVICE}"]`],
        ["[global.apply-policy.config]", 'export-policy-list = ["quiet"]'],
        ['default-export-policy = "accept-route"', 'default-import-policy = "accept-route"'],
        ["[[defined-sets.neighbor-sets]]", 'neighbor-set-name = "others"', `neighbor-info-list = [${others}]`],
        ["[[policy-definitions]]", 'name = "quiet"', "[[policy-definitions.statements]]", 'name = "drop"'],
        ["[policy-definitions.statements.conditions.match-neighbor-set]", 'neighbor-set = "others"'],
        ["[policy-definitions.statements.actions]", 'route-disposition = "reject-route"'],
        sessions,
      ),
    );
    return ["/usr/bin/gobgpd", "-f", configuration, "-l", "warn", "--api-hosts", "127.0.0.1:50051", "--pprof-disable"];
  },
};

const OPENBGPD: Daemon = {
  name: "OpenBGPD",
  skipped: installed("/usr/sbin/bgpd", "openbgpd"),
  command({ neighbours, folder }) {
    const configuration = join(folder, "bgpd.conf");
    const group = (role: Role): readonly string[] => {
      const members = neighbours.filter((neighbour) => neighbour.role === role);
      const sessions = members.map(
        ({ address, remoteAs }) =>
          `  neighbor ${address} { remote-as ${remoteAs}; local-address ${DEVICE}; passive; announce IPv4 none; announce IPv6 unicast }`,
      );
      return members.length === 0
        ? []
        : [
            `group "${role}" {`,
            ...sessions.map((text) => text.replaceAll("; ", "\n    ").replace("{ ", "{\n    ").replace(" }", "\n  }")),
            "}",
          ];
    };
    writeFileSync(
      configuration,
      lines(
        [`AS ${DEVICE_AS}`, "router-id 10.99.0.1", "fib-update no", `holdtime ${HOLD_TIME}`],
        [`socket "${join(folder, "bgpd.sock")}"`, `listen on ${DEVICE}`],
        [...group("sender"), ...group("sink"), ...group("idle")],
        ["allow from group sender", "allow to group sink"],
      ),
    );
    chmodSync(configuration, 0o600);
    // It locks itself into a folder that systemd would make: here on a /run that nobody else sees.
    const start = `mount -t tmpfs none /run && mkdir -m 755 /run/openbgpd && exec /usr/sbin/bgpd -d -f ${configuration}`;
    return ["unshare", "--mount", "sh", "-c", start];
  },
};

/** semrd is the first. */
export const DAEMONS: readonly Daemon[] = [SEMRD, BIRD, FRR, GOBGP, OPENBGPD];
