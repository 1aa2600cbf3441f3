/** A line of a plot; points in the order of x. */
export interface Line {
  readonly name: string
  readonly points: readonly (readonly [number, number])[]
}

export interface Panel {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly lines: readonly Line[]
  /** Levels that mean something: drawn across. */
  readonly levels?: readonly { readonly name: string; readonly y: number }[]
  /** The top of the y axis; default: a little above everything. What lies higher is drawn at the top. */
  readonly top?: number
}

const WIDTH = 460
const HEIGHT = 320
const EDGE = { left: 58, right: 16, top: 34, bottom: 46 }
const COLOURS = ['#1f6feb', '#d1570a', '#1a7f37', '#8250df', '#9a6700']

/** Panels side by side, as a whole SVG file. */
export function plot(panels: readonly Panel[]): string {
  const width = WIDTH * panels.length
  const body = panels.map((panel, i) => `<g transform="translate(${i * WIDTH} 0)">${draw(panel)}</g>`).join('\n')
  const style = 'font-family="sans-serif" font-size="11" fill="#24292f"'
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" viewBox="0 0 ${width} ${HEIGHT}" ${style}>
<title>${escaped(panels.map(({ title }) => title).join('; '))}</title>
<rect width="100%" height="100%" fill="#fff"/>
${body}
</svg>
`
}

function draw({ title, x, y, lines, levels = [], top }: Panel): string {
  const points = lines.flatMap((line) => line.points)
  const right = niceTop(Math.max(1e-9, ...points.map(([at]) => at)))
  const high = niceTop(top ?? Math.max(1e-9, ...points.map(([, value]) => value), ...levels.map((level) => level.y)))
  const px = (value: number): number => EDGE.left + (value / right) * (WIDTH - EDGE.left - EDGE.right)
  const py = (value: number): number => HEIGHT - EDGE.bottom - (Math.min(value, high) / high) * (HEIGHT - EDGE.top - EDGE.bottom)
  const parts = [text(WIDTH / 2, 16, title, 'middle', 'bold'), text(WIDTH / 2, HEIGHT - 8, x, 'middle')]
  parts.push(`<text transform="translate(13 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`)
  for (let i = 0; i <= 5; i++) {
    parts.push(rule(px(0), py((high / 5) * i), px(right), py((high / 5) * i), '#d8dee4'))
    parts.push(text(EDGE.left - 6, py((high / 5) * i) + 4, short((high / 5) * i), 'end'))
    parts.push(text(px((right / 5) * i), HEIGHT - EDGE.bottom + 16, short((right / 5) * i), 'middle'))
  }
  for (const level of levels) {
    parts.push(rule(px(0), py(level.y), px(right), py(level.y), '#cf222e', '5 4'), text(px(right), py(level.y) - 4, level.name, 'end'))
  }
  for (const [i, line] of lines.entries()) {
    const colour = COLOURS[i % COLOURS.length] ?? '#000'
    const path = line.points.map(([at, value]) => `${px(at).toFixed(1)},${py(value).toFixed(1)}`).join(' ')
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    for (const [at, value] of line.points)
      parts.push(`<circle cx="${px(at).toFixed(1)}" cy="${py(value).toFixed(1)}" r="3" fill="${colour}"/>`)
    parts.push(`<rect x="${EDGE.left + 8}" y="${EDGE.top + 4 + i * 15}" width="10" height="10" fill="${colour}"/>`)
    parts.push(text(EDGE.left + 23, EDGE.top + 13 + i * 15, line.name, 'start'))
  }
  return parts.join('\n')
}

function text(x: number, y: number, words: string, anchor: string, weight = 'normal'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-weight="${weight}">${escaped(words)}</text>`
}

function rule(x1: number, y1: number, x2: number, y2: number, colour: string, dashes = 'none'): string {
  const ends = `x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"`
  return `<line ${ends} stroke="${colour}" stroke-dasharray="${dashes}"/>`
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** The next 1, 2, 2.5 or 5 times a power of ten at or above a value. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  for (const step of [1, 1.5, 2, 2.5, 4, 5, 7.5, 10]) if (step * power >= value * 0.999) return step * power
  return 10 * power
}

function short(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
