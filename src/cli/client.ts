// The daemon's API over its control socket, as verbs call it.

import { userInfo } from "node:os";
import type { ProblemAnswer } from "../api/contract.ts";
import { Problem, type ProblemCode, Problems, problemCodes } from "../core/problem.ts";
import { socketPathBytesMax } from "../core/socket-path.ts";
import { findSocket, type SocketOptions } from "./control-socket.ts";
import { type HttpAnswer, httpCall } from "./http-call.ts";

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
    return parseAnswer<Answer>(await this.#call("GET", search === "" ? path : `${path}?${search}`));
  }

  async post<Answer>(path: string, body: unknown): Promise<Answer> {
    return parseAnswer<Answer>(await this.#call("POST", path, JSON.stringify(body)));
  }

  async #call(method: "GET" | "POST", path: string, body?: string): Promise<HttpAnswer> {
    try {
      // The API's root stands in the contract too, which would bring zod with it: a third of a short verb's time.
      return await httpCall(this.#socket, method, `/api/v1${path}`, body);
    } catch (error) {
      throw unreachable(error, this.#socket);
    }
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

function parseAnswer<Answer>({ status, text }: HttpAnswer): Answer {
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

function unreachable(error: unknown, socket: string): Problem {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const bytes = Buffer.byteLength(socket);
  if (bytes > socketPathBytesMax) {
    const hint = `it has ${bytes} bytes; the path of a socket has at most ${socketPathBytesMax}`;
    return new Problem("the path of the control socket is too long", {
      code: "control/unreachable",
      where: socket,
      hint,
    });
  }
  const denied = code === "EACCES" || code === "EPERM";
  const absent = code === "ENOENT" || code === "ECONNREFUSED";
  const other = error instanceof Error ? error.message : String(error);
  const message = denied
    ? "no right to open the control socket"
    : absent
      ? "nobody answers on the control socket"
      : other;
  const hint = denied
    ? "run as root, or join the group of the socket"
    : "is the daemon running? Start it with `postvarta run`, or name its socket with --socket";
  return new Problem(message, { code: "control/unreachable", where: socket, hint });
}
