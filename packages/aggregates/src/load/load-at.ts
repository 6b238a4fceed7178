import { InvalidArgumentError, safeInteger } from '@rillflow/core'
import type { AnyAggregate, AnyLoaded } from '../definition/any-aggregate.js'
import { checkAggregate } from '../definition/check-aggregate.js'
import { checkId, loadAggregate, type LoadHost } from './load-aggregate.js'
import { versionAt } from './load-statements.js'

/** A moment of a stream: the version that it had, or a time, by the clock of the server that stored its events. */
export type Moment = { readonly version: number } | { readonly time: Date }

/** Loads an aggregate as it was. */
export async function loadAt(host: LoadHost, aggregate: AnyAggregate, id: string, moment: Moment): Promise<AnyLoaded> {
  checkAggregate(aggregate)
  checkId(id)
  if (typeof moment !== 'object' || moment === null) {
    throw new InvalidArgumentError('moment', 'moment must be { version } or { time }.')
  }
  const to = 'time' in moment ? await findVersion(host, id, moment.time) : checkVersion(moment.version)
  return loadAggregate(host, aggregate, id, to)
}

/** Beyond the years of four digits PostgreSQL reads another form; no event is from there. */
function toTimestamp(time: Date): string {
  const year = time.getUTCFullYear()
  if (year < 1) return '-infinity'
  return year > 9999 ? 'infinity' : time.toISOString()
}

function checkVersion(version: unknown): number {
  if (Number.isSafeInteger(version) && (version as number) >= 0) return version as number
  throw new InvalidArgumentError('version', 'version must be a whole number from 0 on.')
}

async function findVersion(host: LoadHost, id: string, time: unknown): Promise<number> {
  if (!(time instanceof Date) || Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError('time', 'time must be a Date, and a valid one.')
  }
  const { schema } = await host.scope.target()
  const { rows } = await host.scope.query<readonly [version: string | null]>(versionAt(schema, [id, toTimestamp(time)]))
  return safeInteger(rows[0]?.[0] ?? '0', 'version')
}
