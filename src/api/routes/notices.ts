// Notices: what was told to whom, and a test of each way out.

import type { z } from "zod";
import { Problem } from "../../core/problem.ts";
import { listNotices, type NoticeWithDeliveries } from "../../store/notices.ts";
import {
  type NoticePage,
  noticeListQuery,
  noticePage,
  noticeTestAnswer,
  noticeTestRequest,
} from "../contract-notices.ts";
import { parseCursor, printCursor } from "../page.ts";
import type { ApiParts } from "../parts.ts";
import { route } from "../route.ts";
import { isoTime } from "../trail-view.ts";

export const noticeRoutes = [
  route({
    method: "GET",
    path: "/notices",
    help: "Notices, newest first, with what became of them at each channel.",
    input: noticeListQuery,
    answer: noticePage,
    run: list,
  }),
  route({
    method: "POST",
    path: "/notices/test",
    help: "Sends a test through one channel, or through all, and says what each receiver answered.",
    input: noticeTestRequest,
    answer: noticeTestAnswer,
    run: test,
  }),
];

async function list(
  { store, outbox }: ApiParts,
  { cursor, limit }: z.output<typeof noticeListQuery>,
): Promise<NoticePage> {
  const rows = await listNotices(store, limit, parseCursor(cursor));
  const last = rows.at(-1);
  return {
    channels: outbox.channels.map(({ name, kind }) => ({ name, kind })),
    notices: rows.map(view),
    next: rows.length === limit && last !== undefined ? printCursor(last.notice.id) : null,
  };
}

function view({ notice, deliveries }: NoticeWithDeliveries): NoticePage["notices"][number] {
  const { id, kind, severity, subject, at, facts } = notice;
  return {
    ...{ id, kind, severity, subject, at: isoTime(at), facts: { ...facts } },
    deliveries: deliveries.map(({ channel, state, attempts, dueAt, endedAt, error }) => ({
      ...{ channel, state, attempts, error: error === "" ? null : error },
      due_at: endedAt === 0 ? isoTime(dueAt) : null,
      ended_at: endedAt === 0 ? null : isoTime(endedAt),
    })),
  };
}

async function test(
  { outbox }: ApiParts,
  { channel, template: kind, to }: z.output<typeof noticeTestRequest>,
): Promise<z.output<typeof noticeTestAnswer>> {
  const names = channel === undefined ? outbox.channels.map(({ name }) => name) : [channel];
  return { results: await Promise.all(names.map((name) => testOne(outbox, name, { kind, to }))) };
}

async function testOne(outbox: ApiParts["outbox"], channel: string, sample: Parameters<ApiParts["outbox"]["test"]>[1]) {
  try {
    const sent = await outbox.test(channel, sample);
    if (sent !== undefined) return { channel, ok: true, ms: sent.ms, error: null };
  } catch (error) {
    return { channel, ok: false, ms: null, error: error instanceof Error ? error.message : String(error) };
  }
  const known = outbox.channels.map(({ name }) => name).join(", ");
  throw new Problem(`no channel is called ${channel}`, {
    code: "notices/unknown-channel",
    where: "channel",
    hint: known === "" ? "configure one under [[notices.channels]]" : `known: ${known}`,
  });
}
