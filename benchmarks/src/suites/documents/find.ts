import { drive } from '../../harness/drive.js'
import { defineSuite, type Contender } from '../../harness/suite.js'
import type { OpenDocumentStore } from '../../stores/documents/document-store.js'
import { customerId } from '../../stores/documents/order-document.js'
import { plainDocuments } from '../../stores/documents/plain-documents.js'
import { pongo } from '../../stores/documents/pongo.js'
import { rillflowDocuments } from '../../stores/documents/rillflow-documents.js'
import { seedDocuments } from './seed-documents.js'

const DOCUMENTS = 100_000
const FOUND = 5
const CASES = [{ name: '5 of 100,000 documents' }]

/** Equality on a field with an index. */
export const documentsFind = defineSuite({
  name: 'documents-find',
  about: 'documents',
  title: 'Find by an indexed field',
  unit: 'finds/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: {
    rillflow: finding(rillflowDocuments),
    pongo: finding(pongo),
    'pg, one statement': finding(plainDocuments),
  },
  targets: [
    { case: '5 of 100,000 documents', against: 'pongo', atLeast: 100 },
    { case: '5 of 100,000 documents', against: 'pg, one statement', atLeast: 0.8 },
  ],
})

function finding(open: OpenDocumentStore): Contender<object> {
  return async ({ url, scaled }) => {
    const store = await open(url, { customerIndex: true })
    const count = scaled(DOCUMENTS)
    const customers = count / FOUND
    await seedDocuments(store, { url, count, customers })
    const call = async (): Promise<void> => {
      const id = customerId(Math.floor(Math.random() * customers), customers)
      const found = await store.findByCustomer(id)
      if (found !== FOUND) throw new Error(`${found} documents came of the ${FOUND} of customer ${id}.`)
    }
    return { round: (_, seconds) => drive({ callers: 1, seconds, call }), close: () => store.close() }
  }
}
