/** How much of a test is done: in `npm test` (quick), in `npm run test:faults` (usual), and there with BAILIWICK_FAULTS=full. */
export function extent(of: { readonly quick: number; readonly usual: number; readonly full: number }): number {
  const asked = process.env['BAILIWICK_FAULTS']
  if (asked === 'full') return of.full
  return asked === 'usual' ? of.usual : of.quick
}

/** The seed that was asked for, to see one run again; undefined: all of them. */
export const givenSeed = process.env['BAILIWICK_SEED'] === undefined ? undefined : Number(process.env['BAILIWICK_SEED'])

/** The seeds of a suite: 1 to `count`, or the one of BAILIWICK_SEED, or those from the first to the last of BAILIWICK_SEEDS (`101-200`): a full run in pieces. */
export function seedsUpTo(count: number): readonly number[] {
  const [first = 1, last = count] = process.env['BAILIWICK_SEEDS']?.split('-').map(Number) ?? []
  return givenSeed === undefined ? Array.from({ length: last - first + 1 }, (_, index) => first + index) : [givenSeed]
}
