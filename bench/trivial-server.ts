// The limit to compare with: a policy server that answers DUNNO to whatever ends with an empty line. node bench/trivial-server.ts PORT

import { createServer } from "node:net";

const answer = "action=DUNNO\n\n";

createServer({ noDelay: true }, (socket) => {
  let rest = "";
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    const parts = (rest + bytes.toString("latin1")).split("\n\n");
    rest = parts.pop() ?? "";
    if (parts.length > 0) socket.write(answer.repeat(parts.length), "latin1");
  });
}).listen(Number(process.argv[2]), "127.0.0.1", 1_024, () => console.log("ready"));
