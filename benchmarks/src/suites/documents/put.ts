import { defineSuite } from '../../harness/suite.js'
import type { OpenDocumentStore } from '../../stores/documents/document-store.js'
import { orderDocument } from '../../stores/documents/order-document.js'
import { plainDocuments } from '../../stores/documents/plain-documents.js'
import { pongo } from '../../stores/documents/pongo.js'
import { rillflowDocuments } from '../../stores/documents/rillflow-documents.js'
import { writing } from './write-work.js'

const BULK = 1_000

/** New documents, one a call. */
export const documentsPut = defineSuite({
  name: 'documents-put',
  about: 'documents',
  title: 'Put a new document',
  unit: 'puts/s',
  better: 'higher',
  subject: 'rillflow',
  cases: [
    { name: '1 caller', callers: 1 },
    { name: '32 callers', callers: 32 },
  ],
  contenders: {
    rillflow: putting(rillflowDocuments),
    pongo: putting(pongo),
    'pg, one statement': putting(plainDocuments),
  },
  targets: [
    { case: '1 caller', against: 'pongo', atLeast: 1.1 },
    { case: '32 callers', against: 'pongo', atLeast: 2.5 },
  ],
})

/** New documents, a thousand a call. */
export const documentsBulk = defineSuite({
  name: 'documents-bulk',
  about: 'documents',
  title: 'Put a thousand new documents at once',
  unit: 'documents/s',
  better: 'higher',
  subject: 'rillflow',
  cases: [{ name: '1 caller', callers: 1 }],
  contenders: {
    rillflow: puttingMany(rillflowDocuments),
    pongo: puttingMany(pongo),
    'pg, unnest': puttingMany(plainDocuments),
  },
  targets: [{ case: '1 caller', against: 'pongo', atLeast: 1.3 }],
})

function putting(open: OpenDocumentStore) {
  return writing(open, async (store) => {
    let next = 0
    return { size: 1, call: () => store.put(orderDocument((next += 1))) }
  })
}

function puttingMany(open: OpenDocumentStore) {
  return writing(open, async (store) => {
    let next = 0
    const batch = () => Array.from({ length: BULK }, () => orderDocument((next += 1)))
    return { size: BULK, call: () => store.putMany(batch()) }
  })
}
