import { defineSuite } from '../../harness/suite.js'
import type { OpenDocumentStore } from '../../stores/documents/document-store.js'
import { orderDocument } from '../../stores/documents/order-document.js'
import { plainDocuments } from '../../stores/documents/plain-documents.js'
import { pongo } from '../../stores/documents/pongo.js'
import { rillflowDocuments } from '../../stores/documents/rillflow-documents.js'
import { writing } from './write-work.js'

const DOCUMENTS = 1_000
const CASES = [{ name: '1 caller', callers: 1 }]

/** Documents that must be at the version that the one caller has. */
export const documentsReplace = defineSuite({
  name: 'documents-replace',
  about: 'documents',
  title: 'Replace a document at an expected version',
  unit: 'puts/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: replacing(rillflowDocuments),
    pongo: replacing(pongo),
    'pg, one statement': replacing(plainDocuments),
  },
  targets: CASES.map(({ name }) => ({ case: name, against: 'pongo', atLeast: 1.7 })),
})

function replacing(open: OpenDocumentStore) {
  return writing(open, async (store) => {
    const versions = Array.from({ length: DOCUMENTS }, () => 1)
    await store.putMany(versions.map((_, number) => orderDocument(number)))
    let turn = 0
    return {
      size: 1,
      call: async () => {
        const number = (turn += 1) % DOCUMENTS
        const version = versions[number] ?? 1
        await store.replace({ ...orderDocument(number), total: version }, version)
        versions[number] = version + 1
      },
    }
  })
}
