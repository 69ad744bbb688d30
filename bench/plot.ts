import type { Axis, Plot, Series } from './outcome.js';

const WIDTH = 720;
const HEIGHT = 420;
const MARGIN = { left: 84, right: 24, top: 46, bottom: 84 } as const;
const INNER_WIDTH = WIDTH - MARGIN.left - MARGIN.right;
const INNER_HEIGHT = HEIGHT - MARGIN.top - MARGIN.bottom;

/** Distinct for those too who do not see red from green. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#8a6d00'];
const INK = '#222';
const GRID = '#ddd';
const FONT = 'font-family="system-ui, sans-serif"';

/** Ticks that an axis has about so many of. */
const TICKS = 6;

/** Where a value lies on an axis, and which values are marked. */
export interface Scale {
  readonly ticks: readonly number[];
  /** 0 at the beginning of the axis, 1 at its end. */
  readonly placeOf: (value: number) => number;
}

/** A plot as an SVG document. */
export function plotSvg({ title, x, y, series }: Plot): string {
  const points = series.flatMap((line) => line.points);
  const xScale = scaleOf(
    x,
    points.map((point) => point.x),
  );
  const yScale = scaleOf(
    y,
    points.map((point) => point.y),
  );
  const xAt = (value: number) => fixed(MARGIN.left + xScale.placeOf(value) * INNER_WIDTH);
  const yAt = (value: number) => fixed(MARGIN.top + (1 - yScale.placeOf(value)) * INNER_HEIGHT);
  const bottom = MARGIN.top + INNER_HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(WIDTH / 2, 26, title, `text-anchor="middle" font-size="16" font-weight="600"`),
    ...xScale.ticks.flatMap((tick) => [
      line(xAt(tick), MARGIN.top, xAt(tick), bottom, GRID),
      text(xAt(tick), bottom + 18, tickText(tick), `text-anchor="middle" font-size="12"`),
    ]),
    ...yScale.ticks.flatMap((tick) => [
      line(MARGIN.left, yAt(tick), WIDTH - MARGIN.right, yAt(tick), GRID),
      text(
        MARGIN.left - 8,
        Number(yAt(tick)) + 4,
        tickText(tick),
        `text-anchor="end" font-size="12"`,
      ),
    ]),
    line(MARGIN.left, bottom, WIDTH - MARGIN.right, bottom, INK),
    line(MARGIN.left, MARGIN.top, MARGIN.left, bottom, INK),
    text(
      MARGIN.left + INNER_WIDTH / 2,
      bottom + 40,
      x.label,
      `text-anchor="middle" font-size="13"`,
    ),
    text(
      0,
      0,
      y.label,
      `text-anchor="middle" font-size="13" transform="translate(18 ${MARGIN.top + INNER_HEIGHT / 2}) rotate(-90)"`,
    ),
    ...series.flatMap((each, index) => drawn(each, colorOf(index), xAt, yAt)),
    ...legend(series),
    '</svg>',
    '',
  ].join('\n');
}

/** The scale of an axis: a linear one begins at 0, a logarithmic one at a power of its base. */
export function scaleOf({ scale }: Axis, values: readonly number[]): Scale {
  return scale === 'log' ? logarithmic(values) : linear(values);
}

function linear(values: readonly number[]): Scale {
  const most = Math.max(0, ...values) || 1;
  const rough = most / (TICKS - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const by = step ?? rough;
  const count = Math.ceil(most / by - 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, index) =>
    Number((index * by).toPrecision(6)),
  );
  return { ticks, placeOf: (value) => value / (count * by) };
}

function logarithmic(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const least = Math.min(...positive);
  const most = Math.max(...positive);
  // Powers of two where the values are, as with numbers of calls; else of ten.
  const base = positive.every((value) => Number.isInteger(Math.log2(value))) ? 2 : 10;
  const log = (value: number) => Math.log(value) / Math.log(base);
  const first = Math.floor(log(least) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(log(most) - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, index) =>
    Number((base ** (first + index)).toPrecision(6)),
  );
  return { ticks, placeOf: (value) => (log(value) - first) / (last - first) };
}

type At = (value: number) => string;

function drawn({ points }: Series, color: string, xAt: At, yAt: At): readonly string[] {
  const places = points.map(({ x, y }) => [xAt(x), yAt(y)] as const);
  const path = places.map(([x, y]) => `${x},${y}`).join(' ');
  // Many samples are a line, few are what was measured.
  const marks =
    points.length > 64
      ? []
      : places.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${color}"/>`);
  return [`<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>`, ...marks];
}

function legend(series: readonly Series[]): readonly string[] {
  const width = INNER_WIDTH / Math.max(1, series.length);
  const y = HEIGHT - 18;
  return series.flatMap(({ name }, index) => {
    const x = MARGIN.left + index * width;
    return [
      `<rect x="${fixed(x)}" y="${y - 10}" width="14" height="10" fill="${colorOf(index)}"/>`,
      text(x + 20, y, name, `font-size="13"`),
    ];
  });
}

function colorOf(index: number): string {
  return COLORS[index % COLORS.length] ?? INK;
}

function line(
  x1: string | number,
  y1: string | number,
  x2: string | number,
  y2: string | number,
  color: string,
): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}"/>`;
}

function text(x: string | number, y: string | number, said: string, attributes: string): string {
  return `<text x="${x}" y="${y}" fill="${INK}" ${FONT} ${attributes}>${escaped(said)}</text>`;
}

function escaped(said: string): string {
  return said.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function tickText(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (value >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return value.toLocaleString('en', { maximumSignificantDigits: 4 });
}

function fixed(value: number): string {
  return value.toFixed(1);
}
