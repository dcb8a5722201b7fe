-- +goose Up
-- create "memories" table
CREATE TABLE "memories" ("id" character varying NOT NULL, "created_at" timestamptz NOT NULL, "owner_id" character varying NOT NULL, "run_id" character varying NOT NULL, "through_seq" bigint NOT NULL DEFAULT 0, "cleared_seq" bigint NOT NULL DEFAULT 0, "text" text NOT NULL DEFAULT '', "digest" boolean NOT NULL DEFAULT false, "prompt_hash" character varying NOT NULL, "expense" jsonb NULL, "chat_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "memories_chats_memories" FOREIGN KEY ("chat_id") REFERENCES "chats" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "memory_chat_id_created_at" to table: "memories"
CREATE INDEX "memory_chat_id_created_at" ON "memories" ("chat_id", "created_at");
