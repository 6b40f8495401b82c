// The daemon's API over its control socket, as verbs call it.

import { request } from "node:http";
import { userInfo } from "node:os";
import type { ProblemAnswer } from "../api/contract.ts";
import { Problem, type ProblemCode, Problems, problemCodes } from "../core/problem.ts";
import { findSocket, type SocketOptions } from "./control-socket.ts";

/** An apply of the largest rules takes some seconds; a daemon that is silent for longer is stuck. */
const answerTimeoutMs = 60_000;
const answerBytesMax = 256 * 1024 * 1024;

/** Answers are of the shapes of api/contract.ts: the daemon is of the same version, or says so in `status`. */
export class Client {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async open(options: SocketOptions): Promise<Client> {
    return new Client(await findSocket(options));
  }

  /** Throws Problem control/unreachable, or the Problems that the daemon answers. */
  async get<Answer>(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<Answer> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const search = new URLSearchParams(given).toString();
    return parseAnswer<Answer>(await this.#call("GET", search === "" ? path : `${path}?${search}`, undefined));
  }

  async post<Answer>(path: string, body: unknown): Promise<Answer> {
    return parseAnswer<Answer>(await this.#call("POST", path, JSON.stringify(body)));
  }

  #call(method: string, path: string, body: string | undefined): Promise<Raw> {
    return new Promise((resolve, reject) => {
      const headers =
        body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      // The path of the API's root stands in the contract, which would bring zod with it: a third of a short verb's time.
      const options = { socketPath: this.#socket, method, path: `/api/v1${path}`, headers, timeout: answerTimeoutMs };
      const call = request(options, (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > answerBytesMax) call.destroy(new Error("the answer is too long"));
          else chunks.push(chunk);
        });
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
        );
        answer.on("error", reject);
      });
      call.on("timeout", () => call.destroy(new Error("no answer within a minute")));
      call.on("error", (error: NodeJS.ErrnoException) => reject(unreachable(error, this.#socket)));
      call.end(body);
    });
  }
}

/** Who calls, for the audit: claimed, because the socket proves nothing. */
export function callerName(): string {
  const sudo = process.env["SUDO_USER"] ?? "";
  return `cli:${sudo === "" ? userName() : sudo}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

interface Raw {
  readonly status: number;
  readonly text: string;
}

function parseAnswer<Answer>({ status, text }: Raw): Answer {
  const body = parseJson(text);
  if (status >= 200 && status < 300) return body as Answer;
  const problems = (body as Partial<ProblemAnswer> | undefined)?.problems ?? [];
  if (problems.length === 0) throw new Problem(`the daemon answers with status ${status}`, { code: "control/refused" });
  throw new Problems(
    problems.map(({ code, message, where, hint }) => {
      return new Problem(message, { code: knownCode(code), where: where ?? undefined, hint: hint ?? undefined });
    }),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("what answers on the control socket is not Postvarta", { code: "control/unreachable" });
  }
}

/** A daemon of another version may know codes that we do not. */
function knownCode(code: string): ProblemCode {
  return Object.hasOwn(problemCodes, code) ? (code as ProblemCode) : "control/refused";
}

function unreachable(error: NodeJS.ErrnoException, socket: string): Problem {
  const denied = error.code === "EACCES" || error.code === "EPERM";
  const absent = error.code === "ENOENT" || error.code === "ECONNREFUSED";
  const message = denied
    ? "no right to open the control socket"
    : absent
      ? "nobody answers on the control socket"
      : error.message;
  const hint = denied
    ? "run as root, or join the group of the socket"
    : "is the daemon running? Start it with `postvarta run`, or name its socket with --socket";
  return new Problem(message, { code: "control/unreachable", where: socket, hint });
}
