/** One change of a file: `find` stands in it exactly once. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly put: string
}

const after = (file: string, find: string, put: string): Edit => ({ file, find, put: `${find}${put}` })

/** The version of the index' library in the next release; this release's is LIBRARY_VERSION. */
export const NEXT_LIBRARY = 1_000

/**
 * What a next release could bring, by the rules of docs/upgrade.md: zones have weather. A field of the spec with a default, one below `layers`, a field and a condition of the status, two fields of the settings
 * in the index, and a library of the index with a higher version, which keeps a field more of each host.
 */
export const edits: readonly Edit[] = [
  {
    file: 'crds/zone.yaml',
    find: '                fleet:\n                  description: >-\n',
    put:
      '                weather:\n                  description: What it is like outside.\n                  type: string\n                  enum: [clear, rain, snow]\n' +
      '                  default: clear\n                fleet:\n                  description: >-\n',
  },
  after(
    'crds/zone.yaml',
    '                  description: The generation of the spec that this status is about.\n                  type: integer\n                  format: int64\n',
    '                weather:\n                  description: What it is like outside.\n                  type: string\n                  maxLength: 20\n',
  ),
  after('core/settings.ts', '  retry: true,\n', '  weather: true,\n'),
  after('core/zone.ts', "    snapshotEveryMs: parseDuration(spec.snapshotEvery ?? ''),\n", "    weather: spec.weather ?? 'clear',\n"),
  after('core/zone.ts', '      maxPlayers: spec.layers?.maxPlayers ?? 1,\n', "      mist: spec.weather === 'rain',\n"),
  after('operator/status.ts', '  layers: true,\n  conditions: true,\n', '  weather: true,\n'),
  {
    file: 'operator/status.ts',
    find: '    conditions: [...own, ',
    put: "    weather: observed.zone.spec.weather ?? 'clear',\n    conditions: [...own, ",
  },
  {
    file: 'operator/status-conditions.ts',
    find: "  [\n    'DataSafe',\n",
    put: "  ['Weather', [['True', 'Known', (_, { zone }) => 'it is ' + (zone.spec.weather ?? 'clear')]]],\n  [\n    'DataSafe',\n",
  },
  { file: 'platform/redis/library.ts', find: 'export const LIBRARY_VERSION = ', put: `export const LIBRARY_VERSION = ${NEXT_LIBRARY} + ` },
  {
    file: 'platform/redis/library/hosts.lua',
    find: "    state = 'Ready', dead = false,",
    put: "    weather = 'clear', state = 'Ready', dead = false,",
  },
]
