// `postvarta helper` as a process of its own, as an administrator runs it.

import { spawn } from "node:child_process";
import { until } from "../until.ts";

const main = new URL("../../src/main.ts", import.meta.url).pathname;

/** Resolves when it is ready; its end is waited for when it goes out of scope. */
export async function startHelper(configFile: string): Promise<AsyncDisposable> {
  const child = spawn(process.execPath, [main, "helper", "--config", configFile], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const end = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (piece: string) => (log += piece));
  try {
    await until("the helper starts", () => log.includes("helper.ready"));
  } catch (cause) {
    await end();
    throw new Error(`no helper: ${log}`, { cause });
  }
  return { [Symbol.asyncDispose]: end };
}
