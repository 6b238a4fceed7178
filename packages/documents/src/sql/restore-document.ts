import { defineChange } from './change-document.js'

/** Brings a deleted document back: `[collection, id, version or null]`. */
export const restoreDocument = defineChange('restore', {
  set: 'deleted_at = null',
  where: 'deleted_at is not null and ($3::bigint is null or version = $3::bigint)',
})
