import { readFileSync } from 'node:fs'

/** Begins to look at what the host of a virtual machine takes of its cores for others; what it answers tells the share of all time since. 0 where nobody says. */
export function stolenShare(): () => number {
  const from = read()
  return () => {
    const to = read()
    return to.all > from.all ? (to.stolen - from.stolen) / (to.all - from.all) : 0
  }
}

/** Of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests are among the users. */
function read(): { readonly stolen: number; readonly all: number } {
  const line = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? ''
  const times = line.split(' ').slice(0, 8).map(Number)
  return { stolen: times[7] ?? 0, all: times.reduce((sum, each) => sum + each, 0) }
}
