import { defineChange } from './change-document.js'

/** Replaces a live document of a known version: `[collection, id, write id, doc, version]`. */
export const replaceDocument = defineChange('put', {
  set: 'doc = $4::jsonb',
  where: 'version = $5::bigint and deleted_at is null',
})
