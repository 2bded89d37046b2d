/** SYNs that a network namespace sent again, by its `/proc/net/netstat`: a line of names, then a line of numbers. */
export function synsAgain(netstat: string): number {
  const [names, values] = netstat.split("\n").filter((line) => line.startsWith("TcpExt:"));
  const at = names?.split(" ").indexOf("TCPSynRetrans") ?? -1;
  if (at < 0) throw new Error(`there is no TCPSynRetrans in ${netstat.slice(0, 200)}`);
  return Number(values!.split(" ")[at]);
}
