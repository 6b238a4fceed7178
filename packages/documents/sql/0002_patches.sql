-- Applies a list of patch operations to one document. All of it is arithmetic on the values given: the function reads no
-- table, and never raises an error for a document that does not fit, since an error would end the caller's transaction.
-- An operation is [kind, path, …]; a path is an array of property names and array indexes.

-- Follows a path as far as it exists. `keys` are its segments with the indexes counted from the start; they end where
-- nothing stands any more, and then `present` is null. A null on the way counts as nothing; a null at the end is a value.
create function :"schema".patch_resolve(
  doc jsonb, path jsonb, out keys text[], out present jsonb, out refused_at integer, out reason text
) language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
declare
  last constant integer := jsonb_array_length(path) - 1;
  segment jsonb;
  name text;
  place integer;
  following jsonb;
begin
  keys := '{}';
  present := doc;
  for depth in 0 .. last loop
    segment := path -> depth;
    name := path ->> depth;
    case jsonb_typeof(present)
      when 'object' then
        if jsonb_typeof(segment) = 'number' then
          reason := 'notArray';
        else
          following := present -> name;
        end if;
      when 'array' then
        if name !~ '^(0|-?[1-9][0-9]{0,8})$' then
          reason := 'notIndex';
        else
          place := name::integer;
          if place < 0 then
            place := place + jsonb_array_length(present);
          end if;
          if place < 0 or place > jsonb_array_length(present) then
            reason := 'outOfRange';
          else
            name := place::text;
            following := present -> place;
          end if;
        end if;
      else
        reason := 'notContainer';
    end case;
    if reason is not null then
      present := null;
      refused_at := depth;
      return;
    end if;
    keys := keys || name;
    if following is null or (following = 'null' and depth < last) then
      present := null;
      return;
    end if;
    present := following;
  end loop;
end
$$;

-- Puts a value where a resolved path ends, and makes the objects and arrays that are missing in between.
create function :"schema".patch_put(
  doc jsonb, path jsonb, keys text[], value jsonb, out patched jsonb, out refused_at integer, out reason text
) language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
declare
  made jsonb := value;
begin
  for depth in reverse jsonb_array_length(path) - 1 .. cardinality(keys) loop
    if jsonb_typeof(path -> depth) = 'string' then
      made := jsonb_build_object(path ->> depth, made);
    elsif path -> depth = '0' then
      made := jsonb_build_array(made);
    else
      refused_at := depth;
      reason := 'outOfRange';
      return;
    end if;
  end loop;
  patched := jsonb_set(doc, keys, made, true);
end
$$;

-- The document after all operations; or no document, and the first refusal: [reason, kind, path, place in the path].
create function :"schema".patch_document(
  doc jsonb, operations jsonb, out patched jsonb, out refused jsonb
) language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
  -- A sum keeps all of its digits, whatever the connection's own setting.
  set extra_float_digits = 1 as $$
declare
  -- The largest finite double: documents hold JavaScript's numbers, and so is their sum.
  largest constant numeric := 1.7976931348623157e308;
  operation jsonb;
  kind text;
  path jsonb;
  target record;
  made record;
  value jsonb;
  place integer;
  parent text[];
  refused_at integer;
  reason text;
begin
  patched := doc;
  for number in 0 .. jsonb_array_length(operations) - 1 loop
    operation := operations -> number;
    kind := operation ->> 0;
    path := operation -> 1;
    value := operation -> 2;
    target := :"schema".patch_resolve(patched, path);

    -- Where there is nothing, there is nothing to remove, rename or copy.
    if kind in ('remove', 'rename', 'duplicate') and
       (target.reason = 'outOfRange' or (target.reason is null and target.present is null)) then
      continue;
    end if;
    reason := target.reason;
    refused_at := target.refused_at;

    if reason is null then
      case kind
        when 'set' then
          null;
        when 'setIfMissing' then
          continue when target.present is not null;
        when 'increment' then
          if target.present is not null then
            if jsonb_typeof(target.present) <> 'number' then
              reason := 'notNumber';
            elsif abs(target.present::numeric) > largest then
              reason := 'overflow';
            -- By halves, since a sum that overflows would be an error; 2^1023 is half of the first one that does. Only where
            -- both are large, since nothing else overflows, and half of the least number of all would be an error too.
            elsif (case when least(abs(target.present::numeric), abs(value::numeric)) > 1e290
              then abs(target.present::double precision / 2 + value::double precision / 2) >= 8.98846567431158e307
              else false end) then
              reason := 'overflow';
            else
              value := to_jsonb(target.present::double precision + value::double precision);
            end if;
          end if;
        when 'append' then
          if jsonb_typeof(target.present) = 'array' then
            value := target.present || value;
          elsif jsonb_typeof(target.present) <> 'null' then
            reason := 'notArray';
          end if;
        when 'insert' then
          if jsonb_typeof(target.present) not in ('array', 'null') then
            reason := 'notArray';
          else
            place := (operation ->> 3)::integer;
            if jsonb_typeof(target.present) = 'array' then
              if place < 0 then
                place := place + jsonb_array_length(target.present);
              end if;
              if place between 0 and jsonb_array_length(target.present) then
                value := case when place = jsonb_array_length(target.present)
                  then target.present || jsonb_build_array(value)
                  else jsonb_insert(target.present, array[place::text], value) end;
              else
                reason := 'outOfRange';
              end if;
            elsif place = 0 then
              value := jsonb_build_array(value);
            else
              reason := 'outOfRange';
            end if;
          end if;
        when 'remove' then
          patched := patched #- target.keys;
          continue;
        when 'rename' then
          parent := target.keys[1 : cardinality(target.keys) - 1];
          if jsonb_typeof(patched #> parent) = 'array' then
            reason := 'notObject';
          elsif value #>> '{}' = target.keys[cardinality(target.keys)] then
            continue;
          elsif (patched #> parent) ? (value #>> '{}') then
            reason := 'exists';
          else
            patched := jsonb_set(patched #- target.keys, parent || (value #>> '{}'), target.present, true);
            continue;
          end if;
        when 'duplicate' then
          path := value;
          value := target.present;
          target := :"schema".patch_resolve(patched, path);
          reason := target.reason;
          refused_at := target.refused_at;
      end case;
    end if;

    if reason is null then
      made := :"schema".patch_put(patched, path, target.keys, value);
      reason := made.reason;
      refused_at := made.refused_at;
    end if;
    if reason is not null then
      patched := null;
      refused := jsonb_build_array(reason, kind, path, coalesce(refused_at, jsonb_array_length(path) - 1));
      return;
    end if;
    patched := made.patched;
  end loop;
end
$$;
