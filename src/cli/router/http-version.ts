import net from "node:net";

const ASK = "GET /v1/status HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const MOST_OCTETS = 1024 * 1024;
const PATIENCE_MS = 2_000;

/** The version of the semrd that answers HTTP at a control socket; absent where none does, or not soon. */
export function httpVersion(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = net.connect(path);
    const over = (): void => {
      const isHttp = answer.startsWith("HTTP/1.1 200 ");
      resolve(isHttp ? (/"version":"([\w.+-]{1,40})"/.exec(answer)?.[1] ?? "of an unknown version") : undefined);
      socket.destroy();
    };
    socket.setEncoding("latin1").setTimeout(PATIENCE_MS, over);
    socket.on("data", (text) => {
      answer += String(text);
      if (answer.length > MOST_OCTETS) over();
    });
    socket.once("end", over).once("error", over).once("close", over);
    socket.end(ASK);
  });
}
