-- +goose Up
-- modify "messages" table
ALTER TABLE "messages" ADD COLUMN "version" bigint NOT NULL DEFAULT 0;
-- create index "message_chat_id_version" to table: "messages"
CREATE INDEX "message_chat_id_version" ON "messages" ("chat_id", "version") WHERE (version > 0);
-- create index "run_chat_id_active" to table: "runs"
CREATE INDEX "run_chat_id_active" ON "runs" ("chat_id", "created_at") WHERE (finished_at IS NULL);
