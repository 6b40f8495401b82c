// The two store threads, once their entry has called runStoreWorker().

import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { startReader } from "./reader-thread.ts";
import type { CallMessage, ReplyMessage, StoreWorkerData } from "./sqlite-calls.ts";
import { renderFailure } from "./worker-link.ts";
import { startWriter } from "./writer-thread.ts";

function isStoreWorker(data: unknown): data is StoreWorkerData {
  return (
    typeof data === "object" &&
    data !== null &&
    "role" in data &&
    (data.role === "store-writer" || data.role === "store-reader")
  );
}

/** Serves the calls of the thread that started this one, until it is told to close. */
export function runStoreWorker(): void {
  const port = parentPort;
  if (port === null || !isStoreWorker(workerData)) throw new Error("Not a store thread");
  const send = (message: ReplyMessage) => port.postMessage(message);
  const next = () => receiveMessageOnPort(port)?.message as CallMessage | undefined;
  const close = () => port.close();
  try {
    const serve =
      workerData.role === "store-writer"
        ? startWriter(workerData, { send, next, close })
        : startReader(workerData, { send, close });
    port.on("message", serve);
  } catch (error) {
    send({ note: { kind: "unusable", failure: renderFailure(error) } });
    port.close();
  }
}
