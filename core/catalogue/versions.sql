-- Versions with what they hold; a head made here speaks only for rows of its own batch.
SELECT c.version, min(c.year), coalesce(max(v.state), 'imported'), coalesce(max(v.based_on), ''),
    coalesce(max(v.method), '{}'), coalesce(max(v.hash), ''), c.kind, count(*), min(c.batch_id)
FROM catalogue AS c
LEFT JOIN catalogue_version AS v ON v.version = c.version AND (v.batch_id IS NULL OR v.batch_id = c.batch_id)
GROUP BY c.version, c.kind
ORDER BY 1, 7
