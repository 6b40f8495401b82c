// One request to a receiver of notices: no redirects, a limit of time and size, and never to an address that is not public unless
// the channel allows it. The address that was looked up is the one that is connected to.

import { lookup as dnsLookup, type LookupAddress } from "node:dns";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { isPublicText } from "./public-address.ts";

export interface Post {
  readonly url: string;
  readonly method?: "POST" | "PUT";
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly allowPrivate: boolean;
}

const timeoutMs = 10_000;
/** What a receiver answers is for a person who looks why it refused. */
const answerBytesMax = 64 * 1024;
const answerShown = 200;

/** Resolves when the receiver answered 2xx; rejects with what it said, or why it was not reached. */
export async function post({ url, method = "POST", body, headers, allowPrivate }: Post): Promise<void> {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[(.*)\]$/, "$1");
  if (!allowPrivate && /^[\d.]+$|:/.test(host) && !isPublicText(host)) throw notPublic(host);
  const request = target.protocol === "https:" ? httpsRequest : httpRequest;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const sent = request(
    target,
    {
      method,
      headers: {
        "content-type": "application/json",
        "user-agent": "postvarta",
        ...headers,
        "content-length": Buffer.byteLength(body),
      },
      lookup: allowPrivate ? dnsLookup : publicLookup,
      signal: AbortSignal.timeout(timeoutMs),
      agent: false,
    },
    (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        if (text.length + chunk.length <= answerBytesMax) text += chunk;
        else answer.destroy(new Error("the answer has no end"));
      });
      answer.on("error", reject);
      answer.on("end", () => {
        const status = answer.statusCode ?? 0;
        if (status >= 200 && status < 300) return resolve();
        reject(new Error(`${status} ${text.slice(0, answerShown)}`.trim()));
      });
    },
  );
  sent.on("error", (error) => reject(error.name === "AbortError" ? new Error("no answer within 10 s") : error));
  sent.end(body);
  return promise;
}

function notPublic(host: string): Error {
  return new Error(`${host} is not of the public internet: allow_private = true if it is meant`);
}

/** As dns.lookup; a name that also stands for an address that is not public is refused whole. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    const closed = error === null && addresses.some(({ address }) => !isPublicText(address));
    const [first] = addresses ?? [];
    if (error !== null) callback(error, "", 0);
    else if (closed || first === undefined) callback(notPublic(hostname), "", 0);
    else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
