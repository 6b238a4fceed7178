import { defineStatement, safeInteger, type Scope } from '@rillflow/core'

/** A stream whose row and events disagree. */
export interface StreamProblem {
  readonly streamId: string
  /**
   * `version`: the stream's row names another last version than its events have. `missing`: there are events and no row.
   * `hole`: versions are missing in between; nothing can mend that.
   */
  readonly problem: 'version' | 'missing' | 'hole'
  /** What the stream's row says; undefined when there is none. */
  readonly version: number | undefined
  /** The highest version among its events. */
  readonly lastVersion: number
  /** How many events it has. */
  readonly events: number
}

const columns =
  'v.stream_id, v.problem, v.version::text as version, v.last_version::text as last_version, v.events::text as events'

const verifyStatement = defineStatement('verify', (schema) => `select ${columns} from ${schema}.verify_streams() v`)

const repairStatement = defineStatement('repair', (schema) => `select ${columns} from ${schema}.repair_streams() v`)

type ProblemRow = readonly [
  streamId: string,
  problem: StreamProblem['problem'],
  version: string | null,
  lastVersion: string,
  events: string,
]

/** Reads every event's version once and names the streams that do not add up; none when all is well. */
export async function verifyStreams(scope: Scope): Promise<readonly StreamProblem[]> {
  return run(scope, verifyStatement)
}

/** Makes the rows of streams agree with their events; gives what was mended. Appends wait meanwhile. */
export async function repairStreams(scope: Scope): Promise<readonly StreamProblem[]> {
  return run(scope, repairStatement)
}

async function run(scope: Scope, statement: typeof verifyStatement): Promise<readonly StreamProblem[]> {
  const { schema } = await scope.target()
  const { rows } = await scope.query<ProblemRow>(statement(schema, []))
  return rows.map(([streamId, problem, version, lastVersion, events]) => ({
    streamId,
    problem,
    version: version === null ? undefined : safeInteger(version, 'version'),
    lastVersion: safeInteger(lastVersion, 'version'),
    events: safeInteger(events, 'events'),
  }))
}
