import { ident } from '../sql/ident.js'
import type { Tenancy } from './tenancy.js'

/**
 * One tenant, one schema: `rillflow` unless told; `public` works.
 *
 * @throws InvalidIdentifier when `schema` cannot be a schema's name.
 */
export function singleTenant(options: { readonly schema?: string | undefined } = {}): Tenancy<'single'> {
  const target = { schema: options.schema ?? 'rillflow', tenant: undefined }
  ident(target.schema)
  return { mode: 'single', resolve: () => target }
}
