import { defineChange } from './change-document.js'

/** Brings a deleted document back: `[collection, id, write id, version or null]`. */
export const restoreDocument = defineChange('restore', {
  set: 'deleted_at = null',
  where: 'deleted_at is not null and ($4::bigint is null or version = $4::bigint)',
})
