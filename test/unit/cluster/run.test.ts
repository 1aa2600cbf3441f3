import { expect, test } from 'vitest'
import { run, waitFor } from '../../cluster/run.ts'

test('a command gives its output and gets its input', async () => {
  expect(await run('sh', ['-c', 'cat; echo " $WORD"'], { input: 'hello', env: { WORD: 'there' } })).toBe('hello there\n')
})

test('a failed command is an error with the command, its code and what it said', async () => {
  await expect(run('sh', ['-c', 'echo bad luck >&2; exit 7'])).rejects.toThrow(
    /^sh -c echo bad luck >&2; exit 7\nended with code 7: bad luck$/,
  )
  await expect(run('/no/such/program', [])).rejects.toThrow('/no/such/program could not be started')
})

test('a command that outlives its deadline is killed', async () => {
  await expect(run('sleep', ['60'], { timeoutMs: 20 })).rejects.toThrow('ended with a signal')
})

test('an aborted command ends', async () => {
  const signal = AbortSignal.timeout(20)
  await expect(run('sleep', ['60'], { signal })).rejects.toThrow('sleep 60 was aborted')
})

test('waiting gives back the first answer', async () => {
  let asked = 0
  expect(await waitFor('three', () => (++asked === 3 ? asked : undefined), { timeoutMs: 5000, everyMs: 1 })).toBe(3)
})

test('waiting in vain tells what was waited for and what was seen last', async () => {
  const options = { timeoutMs: 5, everyMs: 1 }
  await expect(waitFor('rain', () => false, options)).rejects.toThrow('waited 0.005 s for rain; the last answer was false')
  const dry = () => Promise.reject(new Error('not a cloud'))
  await expect(waitFor('rain', dry, options)).rejects.toThrow('waited 0.005 s for rain; the last try failed: not a cloud')
})
