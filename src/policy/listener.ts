// Where the policy server listens: TCP, Unix sockets, or sockets that systemd has opened for us.

import { chmod, lstat, unlink } from "node:fs/promises";
import { connect, createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { isLoopback, type Network, parseIp } from "../core/ip.ts";
import { Problem } from "../core/problem.ts";

export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | {
      readonly path: string;
      /** Permissions of the socket file. Default 0666: Postfix asks as its own user, and the directory keeps others out. */
      readonly mode?: number;
    };

/** Gets each accepted connection; `unix` is known from the listener, because a socket that is gone has no address. */
export type SeeSocket = (socket: Socket, unix: boolean) => void;

/** Connections that may wait to be accepted. All smtpd processes reconnect at once after our restart. */
const backlog = 4_096;
/** The first descriptor that systemd passes (SD_LISTEN_FDS_START, sd_listen_fds(3)). */
const firstDescriptor = 3;
const descriptorsMax = 64;

/** Descriptors of sockets that systemd opened for the process `pid`; empty without socket activation. */
export function activatedDescriptors(env: NodeJS.ProcessEnv, pid: number): readonly number[] {
  const count = Number(env["LISTEN_FDS"] ?? "");
  if (env["LISTEN_PID"] !== String(pid) || !Number.isInteger(count) || count < 1) return [];
  return Array.from({ length: Math.min(count, descriptorsMax) }, (_, i) => firstDescriptor + i);
}

/** Opens a listener. Throws Problem listen/not-loopback or listen/address. A stale Unix socket is taken over. */
export async function openListener(address: ListenAddress, allow: readonly Network[], see: SeeSocket): Promise<Server> {
  if ("path" in address) {
    await removeStale(address.path);
    const server = await listen({ path: address.path, backlog }, address.path, see);
    await chmod(address.path, address.mode ?? 0o666);
    return server;
  }
  const where = `${address.host}:${address.port}`;
  if (address.host !== "localhost" && parseIp(address.host) === undefined) {
    throw new Problem("not an address to listen on", {
      code: "listen/address",
      where,
      hint: "an IP address and a port",
    });
  }
  if (allow.length === 0 && !isLoopbackHost(address.host)) throw notLoopback(where);
  return await listen({ host: address.host, port: address.port, backlog }, where, see);
}

/** Listens on a socket that is open already; systemd removes it, not we. */
export async function openDescriptor(fd: number, allow: readonly Network[], see: SeeSocket): Promise<Server> {
  const server = await listen({ fd, backlog }, `file descriptor ${fd}`, see);
  const address = server.address();
  if (address !== null && typeof address === "object" && allow.length === 0 && !isLoopbackHost(address.address)) {
    server.close();
    throw notLoopback(`${address.address}:${address.port}`);
  }
  return server;
}

function isLoopbackHost(host: string): boolean {
  const ip = parseIp(host);
  return host === "localhost" || (ip !== undefined && isLoopback(ip));
}

function notLoopback(where: string): Problem {
  return new Problem("the policy port would be open to everybody", {
    code: "listen/not-loopback",
    where,
    hint: 'name the mail servers in [policy] allow, for example allow = ["192.0.2.25"]',
  });
}

function listen(options: ListenOptions & { fd?: number }, where: string, see: SeeSocket): Promise<Server> {
  // Half-open, because a client may end its side after its last question and still wait for the answer.
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => reject(listenProblem(error, where));
    server.once("error", refuse);
    server.listen(options, () => {
      server.off("error", refuse);
      const unix = !isInet(server);
      server.on("connection", (socket: Socket) => see(socket, unix));
      resolve(server);
    });
  });
}

function isInet(server: Server): boolean {
  const address = server.address();
  return address !== null && typeof address === "object";
}

function listenProblem(error: NodeJS.ErrnoException, where: string): Problem {
  const hints = new Map([
    ["EADDRINUSE", `another program listens there; find it with: ss -lntxp | grep '${where}'`],
    [
      "EACCES",
      "this user may not listen there: use a port above 1023, or a directory that exists and that it may write to",
    ],
    ["EADDRNOTAVAIL", "this machine does not have that address: see ip address"],
    ["ENOENT", "create the directory of the socket"],
  ]);
  const hint = hints.get(error.code ?? "") ?? "use another address in [policy] listen";
  return new Problem(`cannot listen (${error.code ?? error.message})`, { code: "listen/address", where, hint });
}

/** Removes the file of a socket nobody answers on. Anything else that is there is somebody's, and stays. */
export async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new Problem("there is a file that is not a socket", {
      code: "listen/address",
      where: path,
      hint: "remove it, or choose another path",
    });
  }
  if (await answers(path)) {
    throw new Problem("another program listens there", {
      code: "listen/address",
      where: path,
      hint: `find it with: ss -lxp | grep '${path}'`,
    });
  }
  await unlink(path);
}

/** False only when the connection is refused: a full backlog (EAGAIN) or missing permission is a living server. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}
