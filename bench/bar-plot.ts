// A bar a contender, as SVG that reads on a white and on a dark page.

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** What stands behind the bar. */
  readonly label: string;
  readonly own: boolean;
}

const [nameWidth, barWidth, labelWidth, rowHeight, titleHeight] = [190, 360, 190, 30, 44];

/** Bars in their order, the longest as wide as the plot. */
export function drawBars(title: string, bars: readonly Bar[]): string {
  const width = nameWidth + barWidth + labelWidth;
  const height = titleHeight + bars.length * rowHeight + 10;
  const most = Math.max(1, ...bars.map((bar) => bar.value));
  const rows = bars.map((bar, i) => drawBar(bar, titleHeight + i * rowHeight, bar.value / most));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="sans-serif" font-size="13">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="26" font-size="15" fill="#1c2733">${escapeXml(title)}</text>`,
    ...rows,
    "</svg>\n",
  ].join("\n");
}

function drawBar(bar: Bar, top: number, share: number): string {
  const length = Math.max(1, Math.round(share * barWidth));
  const middle = top + rowHeight / 2 + 5;
  return [
    `<text x="${nameWidth - 8}" y="${middle}" text-anchor="end" fill="#1c2733">${escapeXml(bar.name)}</text>`,
    `<rect x="${nameWidth}" y="${top + 5}" width="${length}" height="${rowHeight - 10}" fill="${bar.own ? "#1f6f8b" : "#a9b4bf"}"/>`,
    `<text x="${nameWidth + length + 8}" y="${middle}" fill="#1c2733">${escapeXml(bar.label)}</text>`,
  ].join("\n");
}

export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
