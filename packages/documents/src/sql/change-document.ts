import { defineStatement } from '@rillflow/core'

/** What a statement that changes one document answers; no row at all when the document does not exist. */
export type ChangeRow = readonly [version: string, changed: boolean, deleted: boolean]

interface Change {
  readonly set: string
  /** Which state the row must be in, beyond its key; `$1` to `$3` are the collection, the id and the write id. */
  readonly where: string
}

/**
 * Defines a statement that changes one document, or tells in the same round trip why it did not.
 *
 * `found` runs only when nothing was changed. It takes the row's lock, because a plain read would show the row as it was
 * when the statement began: before the winner of a race, whose version is the one to report.
 */
export function defineChange(operation: string, { set, where }: Change): ReturnType<typeof defineStatement> {
  return defineStatement(
    operation,
    (schema) => `with changed as (
  update ${schema}.docs set ${set}, version = version + 1, updated_at = clock_timestamp(), write_id = $3::bigint
  where collection = $1::text and id = $2::text and ${where}
  returning version
)
select version::text as version, true as changed, false as deleted from changed
union all
select version::text, false, deleted from (
  select version, deleted_at is not null as deleted from ${schema}.docs
  where collection = $1::text and id = $2::text
  for no key update
) as found
where not exists (select from changed)`,
  )
}
