import { BACKUP_ABANDONED_AFTER } from '../../core/timing.ts'

const PART = /^bailiwick-(\d{4}-\d\d-\d\dT)(\d\d)(\d\d)(\d\d)Z\.backup\.(?:part|scratch)$/
const OURS = /^bailiwick-\d{4}-\d\d-\d\dT\d{6}Z\.backup$/

/** The name of a backup that is begun at this time (ms since the epoch): in the order of names is the order of time. */
export function backupName(now: number): string {
  return `bailiwick-${new Date(now).toISOString().slice(0, 19).replaceAll(':', '')}Z.backup`
}

/** Which of the files in a folder are older backups than the newest `keep`. Files with other names are nobody's to remove. */
export function surplus(names: readonly string[], keep: number): readonly string[] {
  const ours = names.filter((name) => OURS.test(name)).sort()
  return ours.slice(0, Math.max(0, ours.length - keep))
}

/** Which of the files in a folder are of backups whose process ended long ago before they were complete. */
export function abandoned(names: readonly string[], now: number): readonly string[] {
  return names.filter((name) => {
    const [, day, hour, minute, second] = PART.exec(name) ?? []
    return day !== undefined && Date.parse(`${day}${hour}:${minute}:${second}Z`) < now - BACKUP_ABANDONED_AFTER
  })
}
