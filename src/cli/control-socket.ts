// Where the daemon listens for us. Reading the whole configuration costs more than the rest of a short verb, so it is read
// only where the environment or a file speaks of the socket.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface SocketOptions {
  /** `--socket`. */
  readonly socket?: string | undefined;
  /** `--config`. */
  readonly config?: string | undefined;
}

const defaultSocket = "/run/postvarta/control.sock";
const defaultConfigFile = "/etc/postvarta/postvarta.toml";

/** `--socket`, else what the configuration says. Throws the Problems of a configuration that cannot be read. */
export async function findSocket({ socket, config }: SocketOptions): Promise<string> {
  if (socket !== undefined) return socket;
  if (config === undefined && !mentionsControl()) return defaultSocket;
  const { readConfig } = await import("../config/config.ts");
  return readConfig({ file: config, environment: process.env }).config.control.socket;
}

/** True when a file or the environment may set the socket; one that cannot be read may. */
function mentionsControl(): boolean {
  if (Object.keys(process.env).some((name) => name.startsWith("POSTVARTA__CONTROL"))) return true;
  const directory = join(dirname(defaultConfigFile), "conf.d");
  return [defaultConfigFile, ...namesIn(directory).map((name) => join(directory, name))].some((file) => {
    try {
      return readFileSync(file, "utf8").includes("control");
    } catch (error) {
      return !(error instanceof Error && "code" in error && error.code === "ENOENT");
    }
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith(".toml"));
  } catch {
    return [];
  }
}
