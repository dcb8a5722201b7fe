-- Adds to what a person used on a day. $1 is the id of a row that is made where
-- there is none, $2 the person, $3 the day, and then what is added: questions,
-- tokens, millionths of a US dollar, milliseconds of Python, bytes of outputs, bytes
-- billed. The answer is what was used with that.
INSERT INTO usage_days (id, owner_id, day, runs, tokens, cost_micros, python_ms, output_bytes, bytes_billed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (owner_id, day) DO UPDATE
SET runs = usage_days.runs + excluded.runs,
    tokens = usage_days.tokens + excluded.tokens,
    cost_micros = usage_days.cost_micros + excluded.cost_micros,
    python_ms = usage_days.python_ms + excluded.python_ms,
    output_bytes = usage_days.output_bytes + excluded.output_bytes,
    bytes_billed = usage_days.bytes_billed + excluded.bytes_billed
RETURNING runs, tokens, cost_micros, python_ms, output_bytes, bytes_billed
