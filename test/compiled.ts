/**
 * For the environment of a program under test: what other programs of this run have compiled it need not compile again, where whoever runs the tests keeps that (scripts/run.ts does).
 */
const folder = process.env['NODE_COMPILE_CACHE']
export const compiledBefore: Readonly<Record<string, string>> = folder === undefined ? {} : { NODE_COMPILE_CACHE: folder }
