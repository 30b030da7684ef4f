-- The last day of the newest month that holds enough rows of an extract: 1 % of a usual month, and
-- no more than a year after the month before it that does. Null without a row.
WITH months AS (
    SELECT year(snapshot_date) * 12 + month(snapshot_date) - 1 AS month, count(*) AS rows
    FROM staged WHERE fault IS NULL
    GROUP BY ALL
), dense AS (
    SELECT *, month - lag(month) OVER (ORDER BY month) > 12 AS is_far
    FROM months WHERE rows >= 0.01 * (SELECT median(rows) FROM months)
), reached AS (
    SELECT *, count(*) FILTER (is_far) OVER (ORDER BY month) AS run FROM dense
)
SELECT last_day(make_date(max(month) // 12, max(month) % 12 + 1, 1)) FROM reached
WHERE run = (SELECT run FROM reached ORDER BY rows DESC, month LIMIT 1);
