import { defineSuite, type Contender } from '../../harness/suite.js'
import { openCopyClient } from '../../stores/copy-client.js'
import { orderDocument, type OrderDocument } from '../../stores/documents/order-document.js'
import { openRillflowDocuments } from '../../stores/documents/rillflow-documents.js'
import { countRows } from '../../stores/pool.js'
import { markLoss } from '../mark-loss.js'

const DOCUMENTS = 200_000
const CASES = [{ name: '200,000 documents' }]
const COPY = 'copy rillflow.docs (collection, id, doc, version, created_at, updated_at) from stdin'

interface Loader {
  load(docs: Iterable<OrderDocument>): Promise<unknown>
  close(): Promise<void>
}

/** New documents in bulk, into the same table; a round is one load, however long that takes. */
export const documentsImport = defineSuite({
  name: 'documents-import',
  about: 'documents',
  title: 'Load documents in bulk',
  unit: 'documents/s',
  better: 'higher',
  subject: 'rillflow',
  cases: CASES,
  contenders: { rillflow: loading(openImport), 'pg, COPY': loading(openCopy) },
  targets: [{ case: '200,000 documents', against: 'pg, COPY', atLeast: 0.6 }],
})

function loading(open: (url: string) => Promise<Loader>): Contender<object> {
  return async ({ url, scaled }) => {
    const loader = await open(url)
    const count = scaled(DOCUMENTS)
    let last = 0
    function* source(): Generator<OrderDocument> {
      for (let left = count; left > 0; left -= 1) yield orderDocument((last += 1))
    }
    return {
      round: async () => {
        const before = await countRows(url, 'rillflow.docs')
        const start = performance.now()
        await loader.load(source())
        const elapsed = (performance.now() - start) / 1_000
        return markLoss({ value: count / elapsed }, count, (await countRows(url, 'rillflow.docs')) - before)
      },
      close: () => loader.close(),
    }
  }
}

async function openImport(url: string): Promise<Loader> {
  const store = await openRillflowDocuments(url)
  return { load: (docs) => store.docs.orders.importAll(docs), close: () => store.close() }
}

async function openCopy(url: string): Promise<Loader> {
  await (await openRillflowDocuments(url)).close()
  const { client, copy } = await openCopyClient(url)
  return { load: (docs) => copy(COPY, lines(docs)), close: () => client.end() }
}

function* lines(docs: Iterable<OrderDocument>): Generator<string> {
  for (const doc of docs) {
    yield `orders\t${doc.id}\t${JSON.stringify(doc).replaceAll('\\', '\\\\')}\t1\tnow\tnow\n`
  }
}
