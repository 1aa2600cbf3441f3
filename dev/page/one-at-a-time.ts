/** The same work, but nothing while it is under way: a second click is no second wish. */
export function oneAtATime<A extends readonly unknown[]>(work: (...given: A) => Promise<void>): (...given: A) => Promise<void> {
  let underWay = false
  return async (...given) => {
    if (underWay) return
    underWay = true
    try {
      await work(...given)
    } finally {
      underWay = false
    }
  }
}
