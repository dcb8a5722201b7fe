-- +goose Up
-- modify "chats" table
ALTER TABLE "chats" ADD COLUMN "client_mutation_id" character varying NULL, ADD COLUMN "copied_to_id" character varying NULL;
-- create index "chat_owner_id_client_mutation_id" to table: "chats"
CREATE UNIQUE INDEX "chat_owner_id_client_mutation_id" ON "chats" ("owner_id", "client_mutation_id");
