// An address to listen on: host:port, [v6]:port, or unix:/path.

import { isLoopback, parseIp, printIp } from "../core/ip.ts";
import { socketPathBytesMax } from "../core/socket-path.ts";

export type ListenAddress = { readonly host: string; readonly port: number } | { readonly unixPath: string };

export const listenAllowed = '"127.0.0.1:10031", "[::1]:10031" or "unix:/run/postvarta/policy.sock"';

/**
 * The address of a text, or undefined. A host is an IP address or `localhost` (then 127.0.0.1): any other name could
 * stand for something else tomorrow. Port 0 lets the system choose.
 */
export function parseListen(text: string): ListenAddress | undefined {
  if (text.startsWith("unix:")) return parseUnix(text.slice("unix:".length));
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, v6, v4, digits] = match;
  const port = Number(digits);
  const ip = parseIp(v6 ?? (v4 === "localhost" ? "127.0.0.1" : (v4 ?? "")));
  return ip === undefined || port > 65_535 ? undefined : { host: printIp(ip), port };
}

function parseUnix(path: string): ListenAddress | undefined {
  const fits = path !== "" && Buffer.byteLength(path) <= socketPathBytesMax && !path.includes("\0");
  return fits ? { unixPath: path } : undefined;
}

export function printListen(address: ListenAddress): string {
  if ("unixPath" in address) return `unix:${address.unixPath}`;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** True for a Unix socket and for loopback addresses: nobody beyond this machine gets there. */
export function staysHere(address: ListenAddress): boolean {
  if ("unixPath" in address) return true;
  const ip = parseIp(address.host);
  return ip !== undefined && isLoopback(ip);
}
