import { defineChange } from './change-document.js'

/** Marks a live document as deleted: `[collection, id, write id, version or null]`. */
export const deleteDocument = defineChange('delete', {
  set: 'deleted_at = clock_timestamp()',
  where: 'deleted_at is null and ($4::bigint is null or version = $4::bigint)',
})
