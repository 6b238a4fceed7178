/**
 * The last position that was drawn, of the events' sequence as `s`; 0 before the first. Not its `last_value`: every 32nd
 * `nextval` shows, while it writes its log, one that is up to 32 too high to whoever reads the sequence as a table. The
 * function reads it under the sequence's own lock, and knows none before the first.
 */
export const lastPosition = 'coalesce(pg_catalog.pg_sequence_last_value(s.tableoid), s.last_value - 1)'
