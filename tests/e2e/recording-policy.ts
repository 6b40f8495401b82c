// A policy server for tests of Postfix alone: one answer for everything, every question written down.
import net from "node:net";

/** A policy server that writes down each request and gives one answer. */
export async function recordingPolicy(answer: string) {
  const requests: Record<string, string>[] = [];
  const state = { answer };
  const server = net.createServer((socket) => {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const pairs = text
          .slice(0, end)
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
        requests.push(Object.fromEntries(pairs));
        text = text.slice(end + 2);
        socket.write(`action=${state.answer}\n\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return {
    port: address.port,
    requests,
    set answer(value: string) {
      state.answer = value;
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
