// Recall over false alarms, as SVG that reads on a white and on a dark page: one point a rule, and our own as a line of thresholds.

import { escapeXml } from "./bar-plot.ts";

export interface RecallPoint {
  readonly name: string;
  readonly recall: number;
  /** For a thousand account-days. */
  readonly falseAlarms: number;
}

const [width, height] = [860, 470];
const plot = { left: 60, top: 50, right: 590, bottom: 410 };
/** Fewer false alarms than this stand at the left edge. */
const fewest = 0.02;
const most = 100;
const lowest = 0.4;

/** `own` are joined by a line, in their order. */
export function drawRecall(title: string, peers: readonly RecallPoint[], own: readonly RecallPoint[]): string {
  const line = own.map((point) => `${xOf(point.falseAlarms)},${yOf(point.recall)}`).join(" ");
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="26" font-size="15" fill="#1c2733">${escapeXml(title)}</text>`,
    ...gridLines(),
    `<polyline points="${line}" fill="none" stroke="#1f6f8b" stroke-width="2"/>`,
    // Neighbours on the line have their words above and below it.
    ...own.map((point, i) => drawPoint(point, "#1f6f8b", point.name, i % 2 === 0 ? -7 : 17)),
    ...peers.map((point, i) => drawPoint(point, "#7a4a00", String(i + 1), -6)),
    ...peers.map((point, i) => legend(i, `${i + 1}  ${point.name}`)),
    legend(peers.length + 1, "line: ours, a notice at so many points"),
    "</svg>\n",
  ].join("\n");
}

function xOf(falseAlarms: number): number {
  const share = Math.log(Math.max(fewest, falseAlarms) / fewest) / Math.log(most / fewest);
  return Math.round(plot.left + Math.min(1, share) * (plot.right - plot.left));
}

function yOf(recall: number): number {
  const share = (Math.max(lowest, recall) - lowest) / (1 - lowest);
  return Math.round(plot.bottom - share * (plot.bottom - plot.top));
}

function gridLines(): string[] {
  const lines: string[] = [];
  for (const value of [0.02, 0.1, 0.5, 1, 5, 10, 50, 100]) {
    const x = xOf(value);
    lines.push(`<line x1="${x}" y1="${plot.top}" x2="${x}" y2="${plot.bottom}" stroke="#d5dbe1"/>`);
    lines.push(`<text x="${x}" y="${plot.bottom + 18}" text-anchor="middle" fill="#1c2733">${value}</text>`);
  }
  for (const value of [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]) {
    const y = yOf(value);
    lines.push(`<line x1="${plot.left}" y1="${y}" x2="${plot.right}" y2="${y}" stroke="#d5dbe1"/>`);
    lines.push(`<text x="${plot.left - 8}" y="${y + 4}" text-anchor="end" fill="#1c2733">${value.toFixed(1)}</text>`);
  }
  const middle = (plot.left + plot.right) / 2;
  lines.push(
    `<text x="${middle}" y="${plot.bottom + 40}" text-anchor="middle" fill="#1c2733">false alarms for 1000 account-days (logarithmic)</text>`,
    `<text x="18" y="${(plot.top + plot.bottom) / 2}" text-anchor="middle" fill="#1c2733" transform="rotate(-90 18 ${(plot.top + plot.bottom) / 2})">recall</text>`,
  );
  return lines;
}

function drawPoint(point: RecallPoint, colour: string, label: string, down: number): string {
  const [x, y] = [xOf(point.falseAlarms), yOf(point.recall)];
  return [
    `<circle cx="${x}" cy="${y}" r="4" fill="${colour}"/>`,
    `<text x="${x + 7}" y="${y + down}" fill="${colour}">${escapeXml(label)}</text>`,
  ].join("\n");
}

function legend(row: number, text: string): string {
  return `<text x="${plot.right + 14}" y="${plot.top + 14 + row * 20}" font-size="11" fill="#1c2733">${escapeXml(text.length > 46 ? `${text.slice(0, 45)}…` : text)}</text>`;
}
