// A connection that a stranger keeps open to the mail host of a rig.

import type { ChildProcess } from "node:child_process";
import { hostIp, type NetRig, strangerIp } from "./net-rig.ts";

/** Echoes, and stays open. */
const server = `require("net").createServer((s) => { s.on("error", () => {}); s.pipe(s); }).listen(25, "::", () => console.log("listening"))`;

const session = `const s = require("net").connect({ host: ${JSON.stringify(hostIp)}, port: 25, localAddress: ${JSON.stringify(strangerIp)} });
  s.on("connect", () => console.log("open")); s.on("error", () => {}); s.on("close", () => process.exit(0));`;

export async function openSession(rig: NetRig): Promise<{ readonly from: string; isOpen(): boolean }> {
  await says(rig.start("host", process.execPath, "-e", server), "listening");
  await says(rig.start("stranger", process.execPath, "-e", session), "open");
  const isOpen = () => rig.run("host", "ss", "-Htn", "state", "connected", "dst", strangerIp).includes(strangerIp);
  return { from: strangerIp, isOpen };
}

async function says(child: ChildProcess, word: string): Promise<void> {
  for await (const piece of child.stdout ?? []) if (String(piece).includes(word)) return;
  throw new Error(`it ended without ${word}`);
}
