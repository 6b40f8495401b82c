// A syslog receiver: RFC 3164 and RFC 5424 over UDP and TCP on one address, or over TLS only where a certificate is given.
// What has arrived and was not written when the process dies is gone: the protocol has no place to go back to.

import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, Server as TlsServer } from "node:tls";
import { type ListenAddress, printListen } from "../../config/listen.ts";
import { contains, type Ip, isLoopback, type Network, parseIp } from "../../core/ip.ts";
import { Problem } from "../../core/problem.ts";
import {
  type Piece,
  pieceBytesMax,
  type Source,
  type SourceHost,
  type SourcePlug,
  type SourceReport,
} from "../source.ts";
import { SyslogFrames, syslogLine } from "./syslog-frames.ts";

interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface SyslogSettings {
  readonly listen: ListenAddress;
  /** Peers beyond loopback that may send. */
  readonly allow: readonly Network[];
  /** Files of a certificate chain and its key: then TLS is spoken, and nothing else. */
  readonly tls: CertificateFiles | undefined;
}

export const syslogSource: SourcePlug<SyslogSettings> = {
  kind: "syslog",
  help: "Receives syslog messages over UDP and TCP, or over TLS.",
  create: (settings, host) => new SyslogSource(settings, host),
};

/** Messages that wait to be taken: TCP senders are kept waiting beyond it, datagrams are counted as lost. */
const waitingBytesMax = 4 * 1024 * 1024;
const connectionsMax = 256;
/** A sender may be silent for long, and a close would cost it a message; a half message may not. */
const idleMs = 86_400_000;
const insideMs = 30_000;
const handshakeMs = 10_000;
/** Bytes that the kernel keeps of datagrams while we do something else. */
const receiveBufferBytes = 2 * 1024 * 1024;

class SyslogSource implements Source {
  readonly name: string;
  readonly #settings: SyslogSettings;
  readonly #host: SourceHost;
  readonly #sockets = new Set<Socket>();
  #udp: UdpSocket | undefined;
  #server: Server | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #paused = new Set<Socket>();
  #refused = 0;
  #skipped = 0;
  #lost = 0;
  #wake: () => void = () => {};

  constructor(settings: SyslogSettings, host: SourceHost) {
    this.name = `syslog:${printListen(settings.listen)}`;
    this.#settings = settings;
    this.#host = host;
  }

  async start(wake: () => void): Promise<void> {
    this.#wake = wake;
    const { listen, tls } = this.#settings;
    this.#server = await this.#listen(listen, tls);
    // Port 0 lets the system choose: both transports then get the same one.
    if (tls === undefined && !("unixPath" in listen)) this.#udp = await this.#bind(listen.host, this.port);
  }

  /** Where it listens; 0 on a Unix socket. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  take(): Piece | undefined {
    if (this.#waiting.length === 0) return undefined;
    let count = 0;
    for (let bytes = 0; count < this.#waiting.length && bytes < pieceBytesMax; count++)
      bytes += this.#waiting[count]?.length ?? 0;
    const bytes = Buffer.concat(this.#waiting.splice(0, count));
    this.#waitingBytes -= bytes.length;
    if (this.#waitingBytes < waitingBytesMax) {
      for (const socket of this.#paused) socket.resume();
      this.#paused.clear();
    }
    return { bytes, stream: this.name, places: [] };
  }

  look(): void {}

  /** A certificate that was renewed holds for the connections to come. */
  renew(): void {
    const { tls } = this.#settings;
    if (tls === undefined || !(this.#server instanceof TlsServer)) return;
    try {
      this.#server.setSecureContext(secureContext(tls));
    } catch (error) {
      const { message } = error instanceof Error ? error : new Error(String(error));
      this.#host.log.error("logs.syslog-certificate", { kept: "the one before", error: message });
    }
  }

  report(): SourceReport {
    const troubles =
      this.#refused === 0 ? [] : [`${this.#refused} peers or connections were refused: see allow in [[logs]]`];
    const at = `${this.#sockets.size} connections`;
    return {
      name: this.name,
      kind: "syslog",
      reading: [{ what: this.name, at }],
      troubles,
      skipped: this.#skipped,
      lost: this.#lost,
    };
  }

  /** Resolves when the address is free. What has arrived can be taken still. */
  async [Symbol.asyncDispose](): Promise<void> {
    const [udp, server] = [this.#udp, this.#server];
    [this.#udp, this.#server] = [undefined, undefined];
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => (udp === undefined ? resolve() : udp.close(resolve)));
    await new Promise<void>((resolve) => (server?.listening === true ? server.close(() => resolve()) : resolve()));
  }

  #add(lines: readonly Buffer[]): void {
    for (const line of lines) {
      this.#waiting.push(line);
      this.#waitingBytes += line.length;
    }
    if (lines.length > 0) this.#wake();
  }

  #maySend(address: string | undefined): boolean {
    const ip: Ip | undefined = parseIp(address ?? "");
    return ip !== undefined && (isLoopback(ip) || this.#settings.allow.some((network) => contains(network, ip)));
  }

  #bind(host: string, port: number): Promise<UdpSocket> {
    const socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4", recvBufferSize: receiveBufferBytes });
    socket.on("message", (message, { address }) => {
      if (!this.#maySend(address)) this.#refused++;
      else if (this.#waitingBytes >= waitingBytesMax) this.#lost++;
      else if (message.length > 0) this.#add([syslogLine(message)]);
    });
    return new Promise((resolve, reject) => {
      socket.once("error", (error) => reject(this.#problem(error)));
      socket.bind(port, host, () => {
        socket.removeAllListeners("error");
        socket.on("error", (error) => this.#host.log.warn("logs.syslog-udp", { error: error.message }));
        resolve(socket);
      });
    });
  }

  #listen(listen: ListenAddress, tls: SyslogSettings["tls"]): Promise<Server> {
    const server = tls === undefined ? createServer() : this.#createTls(tls);
    // Before the handshake: a stranger is not worth a key exchange.
    server.on("connection", (socket: Socket) => this.#screen(socket, "unixPath" in listen));
    server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => this.#see(socket));
    server.on("tlsClientError", () => this.#refused++);
    return new Promise((resolve, reject) => {
      server.once("error", (error) => reject(this.#problem(error)));
      const options = "unixPath" in listen ? { path: listen.unixPath } : { host: listen.host, port: listen.port };
      server.listen(options, () => {
        server.removeAllListeners("error");
        server.on("error", (error: Error) => this.#host.log.warn("logs.syslog-tcp", { error: error.message }));
        resolve(server);
      });
    });
  }

  #createTls(files: CertificateFiles): Server {
    try {
      return createTlsServer({ ...secureContext(files), handshakeTimeout: handshakeMs });
    } catch (error) {
      throw new Problem(`TLS cannot be spoken: ${error instanceof Error ? error.message : String(error)}`, {
        code: "listen/address",
        where: this.name,
        hint: "tls_cert and tls_key of [[logs]] name PEM files that our user may read",
      });
    }
  }

  #screen(socket: Socket, isUnix: boolean): void {
    if (this.#sockets.size < connectionsMax && (isUnix || this.#maySend(socket.remoteAddress))) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        this.#paused.delete(socket);
      });
    } else {
      this.#refused++;
      socket.destroy();
    }
  }

  #see(socket: Socket): void {
    if (socket.destroyed) return;
    const frames = new SyslogFrames();
    socket.on("error", () => {});
    socket.setKeepAlive(true, 60_000);
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      const skipped = frames.skipped;
      const lines = frames.push(chunk);
      this.#skipped += frames.skipped - skipped;
      if (lines === undefined) {
        this.#refused++;
        socket.destroy();
        return;
      }
      socket.setTimeout(frames.isInside ? insideMs : idleMs);
      this.#add(lines);
      if (this.#waitingBytes >= waitingBytesMax) {
        socket.pause();
        this.#paused.add(socket);
      }
    });
    socket.on("end", () => this.#add(frames.end()));
  }

  #problem(error: Error): Problem {
    const code = "code" in error ? String(error.code) : error.message;
    return new Problem(`cannot listen for syslog (${code})`, {
      code: "listen/address",
      where: this.name,
      hint: code === "EADDRINUSE" ? "another program listens there" : "use another address in [[logs]] syslog",
    });
  }
}

function secureContext({ cert, key }: CertificateFiles) {
  return { cert: readFileSync(cert), key: readFileSync(key), minVersion: "TLSv1.2" } as const;
}
