import { defineChange } from './change-document.js'

/** Replaces a live document of a known version: `[collection, id, doc, version]`. */
export const replaceDocument = defineChange('put', {
  set: 'doc = $3::jsonb',
  where: 'version = $4::bigint and deleted_at is null',
})
