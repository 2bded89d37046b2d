/** A station as a process of its own: writes what it is told to a file. Arguments: address, port, file. */
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";

const [address, port, file] = process.argv.slice(2);
const out = createWriteStream(file!);
createServer((socket) => {
  socket.on("error", () => {});
  socket.pipe(out, { end: false });
}).listen(Number(port), address);
