// A connection that a stranger keeps open to the mail host of a rig.

import type { ChildProcess } from "node:child_process";
import { hostIp, type NetRig, strangerIp } from "./net-rig.ts";

/** Echoes, and stays open. */
const server = `require("net").createServer((s) => { s.on("error", () => {}); s.pipe(s); }).listen(25, "::", () => console.log("listening"))`;
/** Says `open`, and ends with its session. */
const session = `const s = require("net").connect({ host: ${JSON.stringify(hostIp)}, port: 25, localAddress: ${JSON.stringify(strangerIp)} });
  s.on("connect", () => console.log("open")); s.on("error", () => {}); s.on("close", () => process.exit(0));`;

export interface StrangerSession {
  readonly from: string;
  isOpen(): boolean;
}

export async function openSession(rig: NetRig): Promise<StrangerSession> {
  await startServer(rig);
  return await startSession(rig);
}

/** What stands in for the mail host's SMTP server; resolves when it listens. */
export async function startServer(rig: NetRig): Promise<void> {
  await says(rig.start("host", process.execPath, "-e", server), "listening");
}

/** Resolves when the server of the rig has let the stranger in. */
export async function startSession(rig: NetRig): Promise<StrangerSession> {
  await says(rig.start("stranger", process.execPath, "-e", session), "open");
  const isOpen = () => rig.run("host", "ss", "-Htn", "state", "connected", "dst", strangerIp).includes(strangerIp);
  return { from: strangerIp, isOpen };
}

/** Resolves when the output holds the word, in whatever case. */
export async function says(child: ChildProcess, word: string): Promise<void> {
  let heard = "";
  for await (const piece of child.stdout ?? []) {
    heard += String(piece);
    if (heard.toLowerCase().includes(word)) return;
  }
  throw new Error(`it ended without ${word}: ${heard}`);
}
