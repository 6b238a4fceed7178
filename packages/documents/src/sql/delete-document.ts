import { defineChange } from './change-document.js'

/** Marks a live document as deleted: `[collection, id, version or null]`. */
export const deleteDocument = defineChange('delete', {
  set: 'deleted_at = clock_timestamp()',
  where: 'deleted_at is null and ($3::bigint is null or version = $3::bigint)',
})
