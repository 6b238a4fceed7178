import assert from 'node:assert/strict'
import type { EventModel } from './event-model.js'
import type { Real } from './model-command.js'
import type { Shape } from './model-store.js'
import { foldOf } from './snapshot-model.js'

interface Row {
  readonly id: string
  readonly shape: Shape
  readonly version: number
  readonly state: unknown
  /** Of the stream; null without one. */
  readonly streamVersion: number | null
  /** Whether it ends with the event that its stream has at its version. */
  readonly ends: boolean
}

/**
 * Holds the snapshots of a run against the model: none lies beyond its stream, each is the fold of the events up to its
 * version and knows the last of them, and there are those that should be there, no others.
 */
export async function checkSnapshots(model: EventModel, { pool, schema, prefix }: Real): Promise<void> {
  const { rows } = await pool.query<Row>(
    `select s.stream_id as id, s.schema_version as shape, s.version::int as version, s.state,
        t.version::int as "streamVersion", coalesce(e.event_id = s.event_id, false) as ends
      from "${schema}".snapshots s
        left join "${schema}".streams t on t.stream_id = s.stream_id
        left join "${schema}".events e on e.stream_no = t.stream_no and e.version = s.version
      where s.aggregate = 'tally' and starts_with(s.stream_id, $1)`,
    [prefix],
  )
  for (const { id, shape, version, state, streamVersion, ends } of rows) {
    const where = `the snapshot of ${id} at ${version}`
    assert.ok(version <= (streamVersion ?? 0), `${where} lies beyond version ${streamVersion}`)
    if (model.snapshots.rows.get(id)?.lost === true) continue
    const events = model.streams.get(id)?.events ?? []
    assert.deepEqual(state, foldOf(shape, events.slice(0, version)), `${where} is no fold of its events`)
    assert.ok(ends, `${where} ends with another event`)
  }
  const stored = rows.map(({ id, shape, version }) => [id, { shape, version }] as const)
  const foreseen = [...model.snapshots.rows].map(([id, { shape, version }]) => [id, { shape, version }] as const)
  assert.deepEqual(new Map(stored), new Map(foreseen))
}
