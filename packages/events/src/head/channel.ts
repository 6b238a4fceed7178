/** Notifications of every schema of a database go over this channel; the payload is the schema's name. */
export const channel = 'rillflow'
