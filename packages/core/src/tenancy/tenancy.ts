/** Whether a store serves one tenant, or many that each call must name. */
export type TenancyMode = 'single' | 'perTenant'

/** Where the statements of a call go. */
export interface Target {
  readonly schema: string
  /** Undefined in a store of a single tenant. */
  readonly tenant: string | undefined
}

/** Maps a tenant to the schema that holds its data, and nothing else's. */
export interface Tenancy<Mode extends TenancyMode = TenancyMode> {
  readonly mode: Mode
  /**
   * Gives the target of a call, before any statement of it runs.
   *
   * @throws UnknownTenant when the tenant is unknown or may not be used: it must fail closed.
   */
  resolve(tenant: string | undefined): Target | Promise<Target>
}
