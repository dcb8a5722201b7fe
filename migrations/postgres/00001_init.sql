-- +goose Up
-- create "users" table
CREATE TABLE "users" ("id" character varying NOT NULL, "created_at" timestamptz NOT NULL, "email" character varying NOT NULL, "name" character varying NOT NULL DEFAULT '', "password_hash" character varying NOT NULL, "updated_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "users_email_key" to table: "users"
CREATE UNIQUE INDEX "users_email_key" ON "users" ("email");
-- create "chats" table
CREATE TABLE "chats" ("id" character varying NOT NULL, "created_at" timestamptz NOT NULL, "title" character varying NOT NULL DEFAULT '', "archived" boolean NOT NULL DEFAULT false, "last_message_seq" bigint NOT NULL DEFAULT 0, "updated_at" timestamptz NOT NULL, "owner_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "chats_users_chats" FOREIGN KEY ("owner_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "chat_owner_id_archived_updated_at" to table: "chats"
CREATE INDEX "chat_owner_id_archived_updated_at" ON "chats" ("owner_id", "archived", "updated_at");
-- create index "chat_owner_id_created_at" to table: "chats"
CREATE INDEX "chat_owner_id_created_at" ON "chats" ("owner_id", "created_at");
-- create "messages" table
CREATE TABLE "messages" ("id" character varying NOT NULL, "created_at" timestamptz NOT NULL, "owner_id" character varying NOT NULL, "seq" bigint NOT NULL, "role" character varying NOT NULL, "parts" jsonb NOT NULL, "chat_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "messages_chats_messages" FOREIGN KEY ("chat_id") REFERENCES "chats" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "message_chat_id_seq" to table: "messages"
CREATE UNIQUE INDEX "message_chat_id_seq" ON "messages" ("chat_id", "seq");
-- create index "message_owner_id_created_at" to table: "messages"
CREATE INDEX "message_owner_id_created_at" ON "messages" ("owner_id", "created_at");
-- create "runs" table
CREATE TABLE "runs" ("id" character varying NOT NULL, "created_at" timestamptz NOT NULL, "owner_id" character varying NOT NULL, "state" character varying NOT NULL DEFAULT 'QUEUED', "model" character varying NOT NULL DEFAULT '', "client_mutation_id" character varying NULL, "epoch" bigint NOT NULL DEFAULT 0, "last_seq" bigint NOT NULL DEFAULT 0, "cancel_requested" boolean NOT NULL DEFAULT false, "error_code" character varying NULL, "error_message" character varying NULL, "prompt_tokens" bigint NOT NULL DEFAULT 0, "cached_tokens" bigint NOT NULL DEFAULT 0, "completion_tokens" bigint NOT NULL DEFAULT 0, "reasoning_tokens" bigint NOT NULL DEFAULT 0, "python_ms" bigint NOT NULL DEFAULT 0, "started_at" timestamptz NULL, "finished_at" timestamptz NULL, "chat_id" character varying NOT NULL, "question_id" character varying NOT NULL, "answer_id" character varying NULL, PRIMARY KEY ("id"), CONSTRAINT "runs_chats_runs" FOREIGN KEY ("chat_id") REFERENCES "chats" ("id") ON UPDATE NO ACTION ON DELETE CASCADE, CONSTRAINT "runs_messages_answer_of" FOREIGN KEY ("answer_id") REFERENCES "messages" ("id") ON UPDATE NO ACTION ON DELETE SET NULL, CONSTRAINT "runs_messages_runs" FOREIGN KEY ("question_id") REFERENCES "messages" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "run_chat_id_created_at" to table: "runs"
CREATE INDEX "run_chat_id_created_at" ON "runs" ("chat_id", "created_at");
-- create index "run_owner_id_client_mutation_id" to table: "runs"
CREATE UNIQUE INDEX "run_owner_id_client_mutation_id" ON "runs" ("owner_id", "client_mutation_id");
-- create index "run_owner_id_created_at" to table: "runs"
CREATE INDEX "run_owner_id_created_at" ON "runs" ("owner_id", "created_at");
-- create index "run_state" to table: "runs"
CREATE INDEX "run_state" ON "runs" ("state");
-- create index "runs_answer_id_key" to table: "runs"
CREATE UNIQUE INDEX "runs_answer_id_key" ON "runs" ("answer_id");
-- create "steps" table
CREATE TABLE "steps" ("id" character varying NOT NULL, "created_at" timestamptz NOT NULL, "owner_id" character varying NOT NULL, "index" bigint NOT NULL, "state" character varying NOT NULL DEFAULT 'RUNNING', "tool" character varying NULL, "call_id" character varying NULL, "arguments" text NULL, "code" text NULL, "reply" jsonb NULL, "result" text NULL, "outputs" jsonb NULL, "error_code" character varying NULL, "error_message" text NULL, "started_at" timestamptz NOT NULL, "duration_ms" bigint NULL, "run_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "steps_runs_steps" FOREIGN KEY ("run_id") REFERENCES "runs" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "step_owner_id_created_at" to table: "steps"
CREATE INDEX "step_owner_id_created_at" ON "steps" ("owner_id", "created_at");
-- create index "step_run_id_index" to table: "steps"
CREATE UNIQUE INDEX "step_run_id_index" ON "steps" ("run_id", "index");
-- create "artifacts" table
CREATE TABLE "artifacts" ("id" character varying NOT NULL, "created_at" timestamptz NOT NULL, "owner_id" character varying NOT NULL, "name" character varying NOT NULL, "mime_type" character varying NOT NULL, "size_bytes" bigint NOT NULL, "blob_key" character varying NOT NULL, "run_id" character varying NOT NULL, "step_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "artifacts_runs_artifacts" FOREIGN KEY ("run_id") REFERENCES "runs" ("id") ON UPDATE NO ACTION ON DELETE CASCADE, CONSTRAINT "artifacts_steps_artifacts" FOREIGN KEY ("step_id") REFERENCES "steps" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "artifact_owner_id_created_at" to table: "artifacts"
CREATE INDEX "artifact_owner_id_created_at" ON "artifacts" ("owner_id", "created_at");
-- create "datasets" table
CREATE TABLE "datasets" ("id" character varying NOT NULL, "created_at" timestamptz NOT NULL, "name" character varying NOT NULL, "file_name" character varying NOT NULL, "source" character varying NOT NULL DEFAULT 'UPLOAD', "state" character varying NOT NULL DEFAULT 'PENDING', "error_code" character varying NULL, "error_message" character varying NULL, "description" text NOT NULL DEFAULT '', "blob_key" character varying NOT NULL, "sha256" character varying NOT NULL, "size_bytes" bigint NOT NULL, "format" character varying NULL, "load_code" text NULL, "row_count" bigint NULL, "sample" jsonb NULL, "notes" jsonb NULL, "synced_at" timestamptz NULL, "owner_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "datasets_users_datasets" FOREIGN KEY ("owner_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "dataset_owner_id_created_at" to table: "datasets"
CREATE INDEX "dataset_owner_id_created_at" ON "datasets" ("owner_id", "created_at");
-- create index "dataset_state" to table: "datasets"
CREATE INDEX "dataset_state" ON "datasets" ("state");
-- create "chat_datasets" table
CREATE TABLE "chat_datasets" ("chat_id" character varying NOT NULL, "dataset_id" character varying NOT NULL, PRIMARY KEY ("chat_id", "dataset_id"), CONSTRAINT "chat_datasets_chat_id" FOREIGN KEY ("chat_id") REFERENCES "chats" ("id") ON UPDATE NO ACTION ON DELETE CASCADE, CONSTRAINT "chat_datasets_dataset_id" FOREIGN KEY ("dataset_id") REFERENCES "datasets" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create "columns" table
CREATE TABLE "columns" ("id" character varying NOT NULL, "created_at" timestamptz NOT NULL, "owner_id" character varying NOT NULL, "position" bigint NOT NULL, "name" text NOT NULL, "type" character varying NOT NULL, "description" text NOT NULL DEFAULT '', "null_count" bigint NOT NULL, "distinct_count" bigint NOT NULL, "min" text NULL, "max" text NULL, "sample_values" jsonb NULL, "dataset_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "columns_datasets_columns" FOREIGN KEY ("dataset_id") REFERENCES "datasets" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "column_dataset_id_position" to table: "columns"
CREATE UNIQUE INDEX "column_dataset_id_position" ON "columns" ("dataset_id", "position");
-- create index "column_owner_id_created_at" to table: "columns"
CREATE INDEX "column_owner_id_created_at" ON "columns" ("owner_id", "created_at");
-- create "events" table
CREATE TABLE "events" ("id" bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY, "owner_id" character varying NOT NULL, "seq" bigint NOT NULL, "created_at" timestamptz NOT NULL, "kind" character varying NOT NULL, "body" jsonb NOT NULL, "run_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "events_runs_events" FOREIGN KEY ("run_id") REFERENCES "runs" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "event_owner_id_created_at" to table: "events"
CREATE INDEX "event_owner_id_created_at" ON "events" ("owner_id", "created_at");
-- create index "event_run_id_seq" to table: "events"
CREATE UNIQUE INDEX "event_run_id_seq" ON "events" ("run_id", "seq");
-- create "message_attachments" table
CREATE TABLE "message_attachments" ("message_id" character varying NOT NULL, "dataset_id" character varying NOT NULL, PRIMARY KEY ("message_id", "dataset_id"), CONSTRAINT "message_attachments_dataset_id" FOREIGN KEY ("dataset_id") REFERENCES "datasets" ("id") ON UPDATE NO ACTION ON DELETE CASCADE, CONSTRAINT "message_attachments_message_id" FOREIGN KEY ("message_id") REFERENCES "messages" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create "sessions" table
CREATE TABLE "sessions" ("id" character varying NOT NULL, "created_at" timestamptz NOT NULL, "refresh_hash" character varying NOT NULL, "generation" bigint NOT NULL DEFAULT 1, "refreshed_at" timestamptz NOT NULL, "expires_at" timestamptz NOT NULL, "revoked_at" timestamptz NULL, "owner_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "sessions_users_sessions" FOREIGN KEY ("owner_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "session_expires_at" to table: "sessions"
CREATE INDEX "session_expires_at" ON "sessions" ("expires_at");
-- create index "session_owner_id_created_at" to table: "sessions"
CREATE INDEX "session_owner_id_created_at" ON "sessions" ("owner_id", "created_at");
