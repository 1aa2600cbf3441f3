import { parser } from '@prometheus-io/lezer-promql'

export interface ParsedQuery {
  /** Where the text can't be read; none: it is PromQL. */
  readonly errors: readonly string[]
  readonly selectors: readonly Selector[]
  /** Labels by which series are grouped. */
  readonly grouping: readonly string[]
}

export interface Selector {
  /** The name of the series. */
  readonly series: string
  readonly matchers: readonly { readonly label: string; readonly value: string }[]
}

/** Reads a PromQL expression with Prometheus' own grammar. */
export function parseQuery(expression: string): ParsedQuery {
  const errors: string[] = []
  const selectors: { series: string; matchers: { label: string; value: string }[] }[] = []
  const grouping: string[] = []
  const textOf = ({ from, to }: { from: number; to: number }): string => expression.slice(from, to)
  parser.parse(expression).iterate({
    enter(node) {
      if (node.type.isError) errors.push(`at ${node.from}: ${expression.slice(Math.max(0, node.from - 20), node.from + 20)}`)
      if (node.name === 'VectorSelector') selectors.push({ series: '', matchers: [] })
      const selector = selectors.at(-1)
      if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector' && selector !== undefined)
        selector.series = textOf(node)
      if (node.name === 'UnquotedLabelMatcher') {
        const [label, value] = [node.node.getChild('LabelName'), node.node.getChild('StringLiteral')]
        if (label !== null && value !== null) selector?.matchers.push({ label: textOf(label), value: textOf(value).slice(1, -1) })
      }
      if (node.name === 'LabelName' && node.node.parent?.name === 'GroupingLabels') grouping.push(textOf(node))
    },
  })
  return { errors, selectors, grouping }
}
