/** How much of a test is done: in `npm test` (quick), in `npm run test:faults` (usual), and there with BAILIWICK_FAULTS=full. */
export function extent(of: { readonly quick: number; readonly usual: number; readonly full: number }): number {
  const asked = process.env['BAILIWICK_FAULTS']
  if (asked === 'full') return of.full
  return asked === 'usual' ? of.usual : of.quick
}

/** The seed that was asked for, to see one run again; undefined: all of them. */
export const givenSeed = process.env['BAILIWICK_SEED'] === undefined ? undefined : Number(process.env['BAILIWICK_SEED'])
