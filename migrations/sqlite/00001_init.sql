-- +goose Up
-- create "artifacts" table
CREATE TABLE `artifacts` (`id` text NOT NULL, `created_at` datetime NOT NULL, `owner_id` text NOT NULL, `name` text NOT NULL, `mime_type` text NOT NULL, `size_bytes` integer NOT NULL, `blob_key` text NOT NULL, `run_id` text NOT NULL, `step_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `artifacts_runs_artifacts` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE, CONSTRAINT `artifacts_steps_artifacts` FOREIGN KEY (`step_id`) REFERENCES `steps` (`id`) ON DELETE CASCADE);
-- create index "artifact_owner_id_created_at" to table: "artifacts"
CREATE INDEX `artifact_owner_id_created_at` ON `artifacts` (`owner_id`, `created_at`);
-- create "chats" table
CREATE TABLE `chats` (`id` text NOT NULL, `created_at` datetime NOT NULL, `title` text NOT NULL DEFAULT (''), `archived` bool NOT NULL DEFAULT (false), `last_message_seq` integer NOT NULL DEFAULT (0), `updated_at` datetime NOT NULL, `owner_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `chats_users_chats` FOREIGN KEY (`owner_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "chat_owner_id_created_at" to table: "chats"
CREATE INDEX `chat_owner_id_created_at` ON `chats` (`owner_id`, `created_at`);
-- create index "chat_owner_id_archived_updated_at" to table: "chats"
CREATE INDEX `chat_owner_id_archived_updated_at` ON `chats` (`owner_id`, `archived`, `updated_at`);
-- create "columns" table
CREATE TABLE `columns` (`id` text NOT NULL, `created_at` datetime NOT NULL, `owner_id` text NOT NULL, `position` integer NOT NULL, `name` text NOT NULL, `type` text NOT NULL, `description` text NOT NULL DEFAULT (''), `null_count` integer NOT NULL, `distinct_count` integer NOT NULL, `min` text NULL, `max` text NULL, `sample_values` json NULL, `dataset_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `columns_datasets_columns` FOREIGN KEY (`dataset_id`) REFERENCES `datasets` (`id`) ON DELETE CASCADE);
-- create index "column_owner_id_created_at" to table: "columns"
CREATE INDEX `column_owner_id_created_at` ON `columns` (`owner_id`, `created_at`);
-- create index "column_dataset_id_position" to table: "columns"
CREATE UNIQUE INDEX `column_dataset_id_position` ON `columns` (`dataset_id`, `position`);
-- create "datasets" table
CREATE TABLE `datasets` (`id` text NOT NULL, `created_at` datetime NOT NULL, `name` text NOT NULL, `file_name` text NOT NULL, `source` text NOT NULL DEFAULT ('UPLOAD'), `state` text NOT NULL DEFAULT ('PENDING'), `error_code` text NULL, `error_message` text NULL, `description` text NOT NULL DEFAULT (''), `blob_key` text NOT NULL, `sha256` text NOT NULL, `size_bytes` integer NOT NULL, `format` text NULL, `load_code` text NULL, `row_count` integer NULL, `sample` json NULL, `notes` json NULL, `synced_at` datetime NULL, `owner_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `datasets_users_datasets` FOREIGN KEY (`owner_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "dataset_owner_id_created_at" to table: "datasets"
CREATE INDEX `dataset_owner_id_created_at` ON `datasets` (`owner_id`, `created_at`);
-- create index "dataset_state" to table: "datasets"
CREATE INDEX `dataset_state` ON `datasets` (`state`);
-- create "events" table
CREATE TABLE `events` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `owner_id` text NOT NULL, `seq` integer NOT NULL, `created_at` datetime NOT NULL, `kind` text NOT NULL, `body` json NOT NULL, `run_id` text NOT NULL, CONSTRAINT `events_runs_events` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE);
-- create index "event_owner_id_created_at" to table: "events"
CREATE INDEX `event_owner_id_created_at` ON `events` (`owner_id`, `created_at`);
-- create index "event_run_id_seq" to table: "events"
CREATE UNIQUE INDEX `event_run_id_seq` ON `events` (`run_id`, `seq`);
-- create "messages" table
CREATE TABLE `messages` (`id` text NOT NULL, `created_at` datetime NOT NULL, `owner_id` text NOT NULL, `seq` integer NOT NULL, `role` text NOT NULL, `parts` json NOT NULL, `chat_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `messages_chats_messages` FOREIGN KEY (`chat_id`) REFERENCES `chats` (`id`) ON DELETE CASCADE);
-- create index "message_owner_id_created_at" to table: "messages"
CREATE INDEX `message_owner_id_created_at` ON `messages` (`owner_id`, `created_at`);
-- create index "message_chat_id_seq" to table: "messages"
CREATE UNIQUE INDEX `message_chat_id_seq` ON `messages` (`chat_id`, `seq`);
-- create "runs" table
CREATE TABLE `runs` (`id` text NOT NULL, `created_at` datetime NOT NULL, `owner_id` text NOT NULL, `state` text NOT NULL DEFAULT ('QUEUED'), `model` text NOT NULL DEFAULT (''), `client_mutation_id` text NULL, `epoch` integer NOT NULL DEFAULT (0), `last_seq` integer NOT NULL DEFAULT (0), `cancel_requested` bool NOT NULL DEFAULT (false), `error_code` text NULL, `error_message` text NULL, `prompt_tokens` integer NOT NULL DEFAULT (0), `cached_tokens` integer NOT NULL DEFAULT (0), `completion_tokens` integer NOT NULL DEFAULT (0), `reasoning_tokens` integer NOT NULL DEFAULT (0), `python_ms` integer NOT NULL DEFAULT (0), `started_at` datetime NULL, `finished_at` datetime NULL, `chat_id` text NOT NULL, `question_id` text NOT NULL, `answer_id` text NULL, PRIMARY KEY (`id`), CONSTRAINT `runs_chats_runs` FOREIGN KEY (`chat_id`) REFERENCES `chats` (`id`) ON DELETE CASCADE, CONSTRAINT `runs_messages_runs` FOREIGN KEY (`question_id`) REFERENCES `messages` (`id`) ON DELETE CASCADE, CONSTRAINT `runs_messages_answer_of` FOREIGN KEY (`answer_id`) REFERENCES `messages` (`id`) ON DELETE SET NULL);
-- create index "runs_answer_id_key" to table: "runs"
CREATE UNIQUE INDEX `runs_answer_id_key` ON `runs` (`answer_id`);
-- create index "run_owner_id_created_at" to table: "runs"
CREATE INDEX `run_owner_id_created_at` ON `runs` (`owner_id`, `created_at`);
-- create index "run_state" to table: "runs"
CREATE INDEX `run_state` ON `runs` (`state`);
-- create index "run_chat_id_created_at" to table: "runs"
CREATE INDEX `run_chat_id_created_at` ON `runs` (`chat_id`, `created_at`);
-- create index "run_owner_id_client_mutation_id" to table: "runs"
CREATE UNIQUE INDEX `run_owner_id_client_mutation_id` ON `runs` (`owner_id`, `client_mutation_id`);
-- create "sessions" table
CREATE TABLE `sessions` (`id` text NOT NULL, `created_at` datetime NOT NULL, `refresh_hash` text NOT NULL, `generation` integer NOT NULL DEFAULT (1), `refreshed_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `revoked_at` datetime NULL, `owner_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `sessions_users_sessions` FOREIGN KEY (`owner_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "session_owner_id_created_at" to table: "sessions"
CREATE INDEX `session_owner_id_created_at` ON `sessions` (`owner_id`, `created_at`);
-- create index "session_expires_at" to table: "sessions"
CREATE INDEX `session_expires_at` ON `sessions` (`expires_at`);
-- create "steps" table
CREATE TABLE `steps` (`id` text NOT NULL, `created_at` datetime NOT NULL, `owner_id` text NOT NULL, `index` integer NOT NULL, `state` text NOT NULL DEFAULT ('RUNNING'), `tool` text NULL, `call_id` text NULL, `arguments` text NULL, `code` text NULL, `reply` json NULL, `result` text NULL, `outputs` json NULL, `error_code` text NULL, `error_message` text NULL, `started_at` datetime NOT NULL, `duration_ms` integer NULL, `run_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `steps_runs_steps` FOREIGN KEY (`run_id`) REFERENCES `runs` (`id`) ON DELETE CASCADE);
-- create index "step_owner_id_created_at" to table: "steps"
CREATE INDEX `step_owner_id_created_at` ON `steps` (`owner_id`, `created_at`);
-- create index "step_run_id_index" to table: "steps"
CREATE UNIQUE INDEX `step_run_id_index` ON `steps` (`run_id`, `index`);
-- create "users" table
CREATE TABLE `users` (`id` text NOT NULL, `created_at` datetime NOT NULL, `email` text NOT NULL, `name` text NOT NULL DEFAULT (''), `password_hash` text NOT NULL, `updated_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "users_email_key" to table: "users"
CREATE UNIQUE INDEX `users_email_key` ON `users` (`email`);
-- create "chat_datasets" table
CREATE TABLE `chat_datasets` (`chat_id` text NOT NULL, `dataset_id` text NOT NULL, PRIMARY KEY (`chat_id`, `dataset_id`), CONSTRAINT `chat_datasets_chat_id` FOREIGN KEY (`chat_id`) REFERENCES `chats` (`id`) ON DELETE CASCADE, CONSTRAINT `chat_datasets_dataset_id` FOREIGN KEY (`dataset_id`) REFERENCES `datasets` (`id`) ON DELETE CASCADE);
-- create "message_attachments" table
CREATE TABLE `message_attachments` (`message_id` text NOT NULL, `dataset_id` text NOT NULL, PRIMARY KEY (`message_id`, `dataset_id`), CONSTRAINT `message_attachments_message_id` FOREIGN KEY (`message_id`) REFERENCES `messages` (`id`) ON DELETE CASCADE, CONSTRAINT `message_attachments_dataset_id` FOREIGN KEY (`dataset_id`) REFERENCES `datasets` (`id`) ON DELETE CASCADE);
