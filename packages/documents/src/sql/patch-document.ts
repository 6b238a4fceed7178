import { defineStatement } from '@rillflow/core'

/**
 * What a patch answers; no row at all when the document does not exist.
 *
 * `fits` is false when the document is deleted or of another version. `refused` is JSON, of the first operation that does
 * not fit.
 */
export type PatchRow = readonly [
  version: string,
  deleted: boolean,
  fits: boolean,
  changed: boolean,
  refused: string | null,
]

/**
 * Patches one live document: `[collection, id, operations, version or null, write id]`.
 *
 * The row is locked before it is read: the operations meet what the last transaction has left, and not what the
 * statement saw when it began. A patch that changes nothing writes nothing.
 */
export const patchDocument = defineStatement(
  'patch',
  (schema) => `with found as materialized (
  select doc, version, deleted_at is not null as deleted from ${schema}.docs
  where collection = $1::text and id = $2::text
  for no key update
), patch as materialized (
  select outcome.patched, outcome.refused, outcome.patched <> found.doc as differs
  from found, ${schema}.patch_document(found.doc, $3::jsonb) as outcome
  where not found.deleted and ($4::bigint is null or found.version = $4::bigint)
), changed as (
  update ${schema}.docs as stored
  set doc = patch.patched, version = stored.version + 1, updated_at = clock_timestamp(), write_id = $5::bigint
  from patch
  where stored.collection = $1::text and stored.id = $2::text and patch.differs
  returning stored.version
)
select coalesce((select version from changed), found.version)::text as version, found.deleted as deleted,
  exists (select from patch) as fits, exists (select from changed) as changed,
  (select refused::text from patch) as refused
from found`,
)
