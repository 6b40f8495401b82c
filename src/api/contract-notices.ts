// The words of the API about notices: a part of the contract (contract.ts has its rules).

import * as z from "zod";
import { noticeKinds } from "../core/notice.ts";
import { cursor, name, next, pageRowsMax, time } from "./contract-words.ts";

export const noticeListQuery = z.strictObject({
  cursor,
  limit: z.coerce.number().int().min(1).max(pageRowsMax).default(pageRowsMax),
});

export const noticePage = z.object({
  channels: z.array(z.object({ name: z.string(), kind: z.string() })).describe("The ways out that are configured."),
  notices: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      severity: z.enum(["info", "warning", "critical"]),
      subject: z.string(),
      at: time,
      facts: z.record(z.string(), z.string()),
      deliveries: z.array(
        z.object({
          channel: z.string(),
          state: z
            .enum(["waiting", "digest", "sent", "failed", "repeated"])
            .describe("digest: waits for others. failed: given up. repeated: the same was told a short while ago."),
          attempts: z.int(),
          due_at: time.nullable().describe("When it is tried next."),
          ended_at: time.nullable(),
          error: z.string().nullable().describe("What the receiver said last, where it did not take it."),
        }),
      ),
    }),
  ),
  next,
});

export const noticeTestRequest = z.strictObject({
  channel: name.optional(),
  template: z.enum(noticeKinds).optional().describe("Sent with the words of this kind, its facts named in brackets."),
  to: name.optional().describe("Where a test of a channel for owners goes: an address."),
});

export const noticeTestAnswer = z.object({
  results: z.array(
    z.object({ channel: z.string(), ok: z.boolean(), ms: z.int().nullable(), error: z.string().nullable() }),
  ),
});

export type NoticePage = z.output<typeof noticePage>;
export type NoticeTestAnswer = z.output<typeof noticeTestAnswer>;
