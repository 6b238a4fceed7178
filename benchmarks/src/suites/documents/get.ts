import { drive } from '../../harness/drive.js'
import { defineSuite, type Contender } from '../../harness/suite.js'
import type { OpenDocumentStore } from '../../stores/documents/document-store.js'
import { documentId } from '../../stores/documents/order-document.js'
import { plainDocuments } from '../../stores/documents/plain-documents.js'
import { pongo } from '../../stores/documents/pongo.js'
import { rillflowDocuments } from '../../stores/documents/rillflow-documents.js'
import { seedDocuments } from './seed-documents.js'

const DOCUMENTS = 20_000
const CASES = [
  { name: '1 caller', callers: 1 },
  { name: '32 callers', callers: 32 },
]

/** Documents by id, one a call. */
export const documentsGet = defineSuite({
  name: 'documents-get',
  about: 'documents',
  title: 'Get a document by id',
  unit: 'gets/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: getting(rillflowDocuments),
    pongo: getting(pongo),
    'pg, one statement': getting(plainDocuments),
  },
  targets: [
    { case: '1 caller', against: 'pongo', atLeast: 1.3 },
    { case: '32 callers', against: 'pongo', atLeast: 3 },
  ],
})

function getting(open: OpenDocumentStore): Contender<(typeof CASES)[number]> {
  return async ({ url, scaled }) => {
    const store = await open(url)
    const count = scaled(DOCUMENTS)
    await seedDocuments(store, { url, count })
    const call = async (): Promise<void> => {
      const id = documentId(Math.floor(Math.random() * count))
      if (!(await store.get(id))) throw new Error(`Document ${id} did not come.`)
    }
    return {
      round: ({ callers }, seconds) => drive({ callers, seconds, call }),
      close: () => store.close(),
    }
  }
}
