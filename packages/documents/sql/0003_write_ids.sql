-- The mark of the call that wrote the row last: a write whose answer never came is found by it. Null for a write that was
-- part of a larger transaction. Whoever writes a row sets it, or an older call would take the new version for its own.
alter table :"schema".docs add column write_id bigint;
